import { Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import type { Config, TwoRegions } from '../config.ts'
import { homeElsewhere } from '../constructs/home.ts'
import { Lambda } from '../constructs/lambda.ts'
import { createMachines, type Machines } from '../constructs/machines.ts'
import type { NodeGroup } from '../constructs/node-group.ts'
import { ScheduledCall } from '../constructs/schedule.ts'
import { FUNCTIONS } from '../functions.ts'

export interface SecondEdgeProps extends Pick<StackProps, 'synthesizer'> {
  readonly config: Config
  readonly regions: TwoRegions
}

/**
 * The stack of nodes and relays in the second region. They use the tables, the fleet key and the gateway of the home region.
 * A function publishes the load of these groups here, because a group scales on metrics of its own region.
 */
export class SecondEdgeStack extends Stack implements Machines {
  readonly nodes: NodeGroup
  readonly relays: NodeGroup

  constructor(
    scope: Construct,
    id: string,
    { config, regions: { home, second }, ...props }: SecondEdgeProps,
  ) {
    super(scope, id, {
      ...props,
      env: { region: second },
      description: 'Straightway: nodes and relays of the second region',
    })
    const reach = homeElsewhere(this, config, home)
    const { nodes, relays } = createMachines(this, config, reach)
    this.nodes = nodes
    this.relays = relays
    const description = FUNCTIONS.fleetMetrics
    const environment = { SYSTEM: config.name, REGION: second, HOME_REGION: home }
    const metrics = new Lambda(this, 'fleetMetrics-second', { config, description, environment })
    reach.grantTables(metrics.function, description)
    new ScheduledCall(this, 'Metrics', { every: description.every, target: metrics.function })
  }
}
