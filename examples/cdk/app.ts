/**
 * Straightway as a part of your own CDK app: all of its stacks, settings of your own, and a stack of yours beside them that knows
 * where INDEX is. `npm install straightway @straightway/system aws-cdk-lib constructs zod`, and in cdk.json
 * `"app": "node app.ts"`.
 */
import { App, Stack } from 'aws-cdk-lib'
import { StringParameter } from 'aws-cdk-lib/aws-ssm'
import { type Config, createSystem, parseConfig, type System } from 'straightway/infra'

const app = new App({ outdir: 'out' })

const config: Config = parseConfig({
  name: 'theirs',
  alarmEmail: 'operator@example.com',
  tags: { team: 'games' },
  network: { cidr: '10.20.0.0/16' },
  nodes: { min: 3 },
})
const system: System = createSystem(app, config)

const own = new Stack(app, 'own')
new StringParameter(own, 'Index', { stringValue: system.api.indexUrl })

app.synth()
