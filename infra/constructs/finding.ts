import { Token } from 'aws-cdk-lib'

/** A region as cdk-nag writes it into its findings. */
export const regionInFinding = (region: string): string =>
  Token.isUnresolved(region) ? '<AWS::Region>' : region
