/** The CDK app: all stacks of one environment. `npx cdk synth`, `npx cdk deploy --all -c environment=prod`. */
import { App } from 'aws-cdk-lib'
import { check } from './checks.ts'
import { environment } from './environments.ts'
import { reasonOf } from './operate/arguments.ts'
import { createSystem } from './system.ts'

try {
  const app = new App()
  const config = environment(String(app.node.tryGetContext('environment') ?? 'dev'))
  if (config.emulator === undefined) check(app)
  createSystem(app, config)
} catch (error) {
  process.stderr.write(`${reasonOf(error)}\n`)
  // Ends here: otherwise the CDK would synthesise the stacks made so far.
  process.exit(1)
}
