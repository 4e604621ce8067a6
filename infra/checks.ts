import { type App, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'

/** Adds cdk-nag to the app: synthesis fails on each finding that no construct acknowledges with a reason. */
export function check(app: App): void {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
}
