import { Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { type Config, prefixOf, type TwoRegions } from '../config.ts'
import { Alarms } from '../constructs/alarms.ts'
import { Dashboard } from '../constructs/dashboard.ts'
import { promises } from '../promises.ts'
import type { SecondEdgeStack } from './second-edge.ts'

export interface SecondWatchProps extends Pick<StackProps, 'synthesizer'> {
  readonly config: Config
  readonly regions: TwoRegions
  readonly edge: SecondEdgeStack
}

/** The stack of alarms and dashboard for the machines of the second region. An alarm must be in the region of its metrics. */
export class SecondWatchStack extends Stack {
  readonly alarms: Alarms

  constructor(
    scope: Construct,
    id: string,
    { config, regions: { second }, edge, ...props }: SecondWatchProps,
  ) {
    super(scope, id, {
      ...props,
      env: { region: second },
      description: 'Straightway: dashboard and alarms of the second region',
    })
    this.alarms = new Alarms(this, 'Alarms', config, promises(config, edge))
    const name = `${prefixOf(config)}${second}`
    new Dashboard(this, 'Dashboard', { name, config, alarms: this.alarms, machines: edge })
  }
}
