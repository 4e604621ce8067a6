import { Token } from 'aws-cdk-lib'

/** A region as cdk-nag prints it in findings: `<AWS::Region>` if the stack's region is not known at synthesis. */
export const regionInFinding = (region: string): string =>
  Token.isUnresolved(region) ? '<AWS::Region>' : region
