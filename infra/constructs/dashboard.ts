import {
  AlarmStatusWidget,
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch'
import { Construct } from 'constructs'
import { WHY_NOT_DIRECT, type WhyNotDirect } from '../../shared/why-not-direct.ts'
import { type Config, prefixOf } from '../config.ts'
import {
  type FleetMetric,
  fleetMetric,
  nodeMetric,
  relayShare,
  tunnels,
  tunnelsRelayedFor,
} from '../metrics.ts'
import type { ApiStack } from '../stacks/api.ts'
import type { EdgeStack } from '../stacks/edge.ts'
import type { Alarms } from './alarms.ts'

export interface DashboardProps {
  readonly config: Pick<Config, 'name'>
  readonly alarms: Alarms
  readonly api: ApiStack
  readonly edge: EdgeStack
}

const WIDTH = 24
const ROLES = ['checkpoint', 'handshake', 'stun', 'relay']

/** One page: do the promises hold, how is INDEX, do changes arrive, how full is the fleet, what becomes of tunnels. */
export class Dashboard extends Construct {
  constructor(scope: Construct, id: string, { config, alarms, api, edge }: DashboardProps) {
    super(scope, id)
    const fleet = (what: FleetMetric) => ROLES.map((role) => fleetMetric(config.name, role, what))
    const functions = Object.values(api.functions).map((lambda) => lambda.function)
    const ages = Object.keys(api.streams) as (keyof ApiStack['functions'])[]
    const rows: IWidget[][] = [
      [new TextWidget({ markdown: `# Straightway ${config.name}`, width: WIDTH, height: 1 })],
      [new AlarmStatusWidget({ title: 'Promises', alarms: [...alarms.all], width: WIDTH, height: 6 })],
      [
        graph('INDEX: requests and failures', [api.rest.api.metricCount(), api.rest.api.metricServerError()]),
        graph(
          'INDEX: latency',
          ['p50', 'p99'].map((statistic) => api.rest.api.metricLatency({ statistic })),
        ),
        graph(
          'Functions: errors',
          functions.map((each) => each.metricErrors()),
        ),
      ],
      [
        graph(
          'Streams: age of what is read, ms',
          ages.map((name) => api.functions[name].function.metric('IteratorAge')),
        ),
        graph('Nodes that serve', fleet('Nodes')),
        graph('Load', fleet('Load')),
      ],
      [
        graph('Sessions and messages', [
          nodeMetric(config.name, 'checkpoint', 'Sessions'),
          nodeMetric(config.name, 'checkpoint', 'Messages'),
        ]),
        graph(
          'Tunnels by path',
          (['direct', 'relayed', 'recovered'] as const).map((path) => tunnels(config.name, path)),
        ),
        graph('Why tunnels are relayed', [
          ...(Object.keys(WHY_NOT_DIRECT) as WhyNotDirect[]).map((why) =>
            tunnelsRelayedFor(config.name, why),
          ),
        ]),
      ],
      [
        graph('Tunnels that stay on a relay, %', [relayShare(config.name)]),
        graph('Relayed', [
          nodeMetric(config.name, 'relay', 'RelayedBytes'),
          nodeMetric(config.name, 'relay', 'Legs'),
        ]),
        graph(
          'Dropped by nodes',
          ROLES.map((role) => nodeMetric(config.name, role, 'Dropped')),
        ),
      ],
      [
        graph('Packets held back by AWS', [edge.nodes.heldBack(), edge.relays.heldBack()]),
        graph('Nodes that drain', fleet('Draining')),
        graph('Nodes younger than ten minutes', fleet('Young')),
      ],
    ]
    new CloudWatchDashboard(this, 'Page', { dashboardName: `${prefixOf(config)}system`, widgets: rows })
  }
}

function graph(title: string, left: readonly IMetric[]): GraphWidget {
  return new GraphWidget({ title, left: [...left], width: WIDTH / 3, height: 6 })
}
