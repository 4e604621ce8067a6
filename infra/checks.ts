import { type App, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'

/** Synthesis fails on a finding of cdk-nag that no construct acknowledges with a reason. */
export function check(app: App): void {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
}
