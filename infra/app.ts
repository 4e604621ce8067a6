/** The CDK app: the four stacks of one environment. `npx cdk synth`, `npx cdk deploy --all -c environment=prod`. */
import { App } from 'aws-cdk-lib'
import { environment } from './environments.ts'
import { createSystem } from './system.ts'

const app = new App()
createSystem(app, environment(String(app.node.tryGetContext('environment') ?? 'dev')))
