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
import type { Config } from '../config.ts'
import {
  canaryMetric,
  type FleetMetric,
  fleetMetric,
  nodeMetric,
  relayShare,
  tunnels,
  tunnelsRelayedFor,
} from '../metrics.ts'
import type { ApiStack } from '../stacks/api.ts'
import type { Alarms } from './alarms.ts'
import type { Machines } from './machines.ts'

export interface DashboardProps {
  /** Name of the dashboard, unique in the account: dashboards belong to no region. */
  readonly name: string
  readonly config: Pick<Config, 'name'>
  readonly alarms: Alarms
  /** The APIs, which only the home region has. Default: no widgets for INDEX and streams. */
  readonly api?: ApiStack
  readonly machines: Machines
}

const WIDTH = 24
const ROLES = ['checkpoint', 'handshake', 'stun', 'relay']

/** A CloudWatch dashboard of one page: alarms, INDEX, stream delays, fleet load, sessions and tunnels, network limits. */
export class Dashboard extends Construct {
  constructor(scope: Construct, id: string, { name, config, alarms, api, machines }: DashboardProps) {
    super(scope, id)
    const rows: IWidget[][] = [
      [new TextWidget({ markdown: `# ${titleOf(name)}`, width: WIDTH, height: 1 })],
      [new AlarmStatusWidget({ title: 'Promises', alarms: [...alarms.all], width: WIDTH, height: 6 })],
      ...(api ? [ofIndex(api)] : []),
      [...(api ? [ofStreams(api)] : []), ...ofFleet(config.name)],
      ...ofTunnels(config.name),
      ofMachines(config.name, machines),
      ...(api?.functions.canary ? [ofCanary(config.name)] : []),
    ]
    new CloudWatchDashboard(this, 'Page', { dashboardName: name, widgets: rows })
  }
}

const titleOf = (name: string): string =>
  name.replace(/^straightway-/, 'Straightway ').replace(/-system$/, '')

function ofIndex({ rest, functions }: ApiStack): IWidget[] {
  return [
    graph('INDEX: requests and failures', [rest.api.metricCount(), rest.api.metricServerError()]),
    graph(
      'INDEX: latency',
      ['p50', 'p99'].map((statistic) => rest.api.metricLatency({ statistic })),
    ),
    graph(
      'Functions: errors',
      Object.values(functions).map((lambda) => lambda.function.metricErrors()),
    ),
  ]
}

function ofStreams({ streams, functions }: ApiStack): IWidget {
  const names = Object.keys(streams) as (keyof ApiStack['functions'])[]
  return graph(
    'Streams: age of what is read, ms',
    names.map((name) => functions[name]!.function.metric('IteratorAge')),
  )
}

const fleet = (system: string, what: FleetMetric) => ROLES.map((role) => fleetMetric(system, role, what))

function ofFleet(system: string): IWidget[] {
  return [graph('Nodes that serve', fleet(system, 'Nodes')), graph('Load', fleet(system, 'Load'))]
}

function ofTunnels(system: string): IWidget[][] {
  return [
    [
      graph('Sessions and messages', [
        nodeMetric(system, 'checkpoint', 'Sessions'),
        nodeMetric(system, 'checkpoint', 'Messages'),
      ]),
      graph(
        'Tunnels by path',
        (['direct', 'relayed', 'recovered'] as const).map((path) => tunnels(system, path)),
      ),
      graph('Why tunnels are relayed', [
        ...(Object.keys(WHY_NOT_DIRECT) as WhyNotDirect[]).map((why) => tunnelsRelayedFor(system, why)),
      ]),
    ],
    [
      graph('Tunnels that stay on a relay, %', [relayShare(system)]),
      graph('Relayed', [nodeMetric(system, 'relay', 'RelayedBytes'), nodeMetric(system, 'relay', 'Legs')]),
      graph(
        'Dropped by nodes',
        ROLES.map((role) => nodeMetric(system, role, 'Dropped')),
      ),
    ],
  ]
}

function ofMachines(system: string, { nodes, relays }: Machines): IWidget[] {
  return [
    graph('Packets held back by AWS', [nodes.heldBack(), relays.heldBack()]),
    graph('Nodes that drain', fleet(system, 'Draining')),
    graph('Nodes younger than ten minutes', fleet(system, 'Young')),
  ]
}

function ofCanary(system: string): IWidget[] {
  return [
    graph('Canary: 1 for a whole round', [canaryMetric(system, 'Canary')]),
    graph(
      'Canary: duration of each step, ms',
      (['CanarySignInMs', 'CanaryMessageMs', 'CanaryTunnelMs'] as const).map((name) =>
        canaryMetric(system, name),
      ),
    ),
  ]
}

function graph(title: string, left: readonly IMetric[]): GraphWidget {
  return new GraphWidget({ title, left: [...left], width: WIDTH / 3, height: 6 })
}
