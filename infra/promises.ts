/** The promises of the README, as metrics that show when one is broken. infra/README.md says what to do then. */
import { Duration } from 'aws-cdk-lib'
import { MathExpression, type Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch'
import type { Config } from './config.ts'
import type { Promised } from './constructs/alarms.ts'
import type { Machines } from './constructs/machines.ts'
import type { NodeGroup } from './constructs/node-group.ts'
import type { FunctionName } from './functions.ts'
import { canaryMetric, fleetMetric, relayShare } from './metrics.ts'
import type { ApiStack } from './stacks/api.ts'

const MINUTE = { period: Duration.minutes(1) } as const

/** The promises to watch in one region, as an alarm sees only metrics of its own region. `api`: the APIs, if they are there. */
export function promises({ name, nodes, relays }: Config, machines: Machines, api?: ApiStack): Promised[] {
  return [
    ...(api ? [...ofIndex(api), ...ofStreams(api), ...ofCanary(name, api)] : []),
    ...ofFleet(name, nodes.min, relays.min),
    ofTunnels(name),
    ...ofNetwork(machines),
  ]
}

function ofIndex({ rest, gateway, functions }: ApiStack): Promised[] {
  return [
    {
      name: 'index-fails',
      broken: 'INDEX answers: more than 1 in 100 requests failed by our fault.',
      metric: new MathExpression({
        expression: '100 * errors / IF(requests > 20, requests, 20)',
        usingMetrics: {
          errors: rest.api.metricServerError({ ...MINUTE, statistic: Stats.SUM }),
          requests: rest.api.metricCount({ ...MINUTE, statistic: Stats.SUM }),
        },
        label: 'INDEX: failed requests in 100',
        ...MINUTE,
      }),
      above: 1,
      minutes: 5,
    },
    {
      name: 'index-slow',
      broken: 'INDEX answers within a second, 99 times in 100.',
      metric: rest.api.metricLatency({ ...MINUTE, statistic: 'p99' }),
      above: 1000,
      minutes: 10,
    },
    {
      name: 'index-throttled',
      broken: 'A flood cannot starve INDEX: its function was refused to run.',
      metric: functions.rest.function.metricThrottles({ ...MINUTE, statistic: Stats.SUM }),
      above: 0,
      minutes: 3,
    },
    {
      name: 'index-refused',
      broken:
        'INDEX has room for its users: API Gateway refused requests above the rate of the configuration.',
      metric: rest.refusals.metric,
      above: 0,
      minutes: 3,
    },
    {
      name: 'gateway-refused',
      broken: 'Peers without UDP are served: the WebSocket API refused messages above its rate.',
      metric: gateway.refusals.metric,
      above: 0,
      minutes: 3,
    },
  ]
}

function ofStreams({ streams, functions }: ApiStack): Promised[] {
  return (Object.keys(streams) as FunctionName[]).flatMap((name): Promised[] => [
    {
      name: `${name}-late`,
      broken: `Peers are told of a change within a second: what ${name} reads waited for 10.`,
      metric: functions[name]!.function.metric('IteratorAge', { ...MINUTE, statistic: Stats.MAXIMUM }),
      above: 10_000,
      minutes: 3,
    },
    {
      name: `${name}-gave-up`,
      broken: `No change is lost: ${name} gave up a record, which lies in its queue.`,
      metric: streams[name]!.failed.metricApproximateNumberOfMessagesVisible({
        ...MINUTE,
        statistic: Stats.MAXIMUM,
      }),
      above: 0,
      minutes: 1,
    },
  ])
}

function ofCanary(system: string, { functions }: ApiStack): Promised[] {
  if (functions.canary === undefined) return []
  return [
    {
      name: 'canary-fails',
      broken: 'Peers from outside sign in, talk and open tunnels: no round of the canary was whole.',
      metric: canaryMetric(system, 'Canary'),
      below: 1,
      minutes: 5,
      silenceRings: true,
    },
  ]
}

function ofFleet(system: string, nodes: number, relays: number): Promised[] {
  const metric = (role: string, what: Parameters<typeof fleetMetric>[2]): Metric =>
    fleetMetric(system, role, what)
  return [
    {
      name: 'nodes-missing',
      broken: 'Peers are reachable at any moment: fewer nodes serve than should.',
      metric: metric('checkpoint', 'Nodes'),
      below: nodes,
      minutes: 5,
      silenceRings: true,
    },
    {
      name: 'stun-alone',
      broken: 'STUN tells the kind of a NAT: that takes a pair.',
      metric: metric('stun', 'Nodes'),
      below: 2,
      minutes: 5,
      silenceRings: true,
    },
    {
      name: 'relays-missing',
      broken: 'A tunnel that cannot be direct is relayed: fewer relays serve than should.',
      metric: metric('relay', 'Nodes'),
      below: relays,
      minutes: 5,
      silenceRings: true,
    },
    {
      name: 'relays-full',
      broken:
        'A tunnel that cannot be direct is relayed: relays have no room, and more of them did not help.',
      metric: metric('relay', 'PeakLoad'),
      above: 0.9,
      minutes: 10,
    },
    {
      name: 'crash-loop',
      broken: 'Nodes stay up: some have kept starting for half an hour.',
      metric: metric('checkpoint', 'Young'),
      above: 0,
      minutes: 30,
    },
  ]
}

function ofTunnels(system: string): Promised {
  return {
    name: 'relay-share',
    broken: 'At most 3 in 100 tunnels need a relay: within an hour more of them stayed on one.',
    metric: relayShare(system),
    above: 3,
    minutes: 60,
  }
}

function ofNetwork({ nodes, relays }: Machines): Promised[] {
  const heldBack = (name: string, group: NodeGroup): Promised => ({
    name: `${name}-held-back`,
    broken: 'No packet is dropped on the way: AWS held back what exceeds the allowance of the instance type.',
    metric: group.heldBack(),
    above: 0,
    minutes: 5,
  })
  return [heldBack('nodes', nodes), heldBack('relays', relays)]
}
