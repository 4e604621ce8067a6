/**
 * Straightway's own metrics:
 *
 * - of the fleet, published by functions/watch/fleet.ts from the leases of nodes
 * - of each node's work, which it writes to its log (shared/node-metrics.ts)
 * - of the network card, published by the CloudWatch agent
 */
import { Duration } from 'aws-cdk-lib'
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch'
import type { MetricName } from '../shared/node-metrics.ts'
import type { WhyNotDirect } from '../shared/why-not-direct.ts'

export const NAMESPACE = 'Straightway'

export type FleetMetric = 'Nodes' | 'Load' | 'PeakLoad' | 'Draining' | 'Young'

export function fleetMetric(system: string, role: string, metricName: FleetMetric): Metric {
  return new Metric({
    namespace: NAMESPACE,
    metricName,
    dimensionsMap: { System: system, Role: role },
    statistic: Stats.AVERAGE,
    period: Duration.minutes(1),
    label: `${role} ${metricName}`,
  })
}

export const loadOf = (system: string, role: string): Metric => fleetMetric(system, role, 'Load')

export type CanaryMetric = 'Canary' | 'CanarySignInMs' | 'CanaryMessageMs' | 'CanaryTunnelMs'

/** A metric of the canary (canary/index.ts), the largest of a minute. `Canary` is 1 if a round was whole. */
export function canaryMetric(system: string, metricName: CanaryMetric): Metric {
  return new Metric({
    namespace: NAMESPACE,
    metricName,
    dimensionsMap: { System: system },
    statistic: Stats.MAXIMUM,
    period: Duration.minutes(1),
    label: metricName.replace(/^Canary(?=.)/, ''),
  })
}

/** A node metric, summed over all nodes. */
export function nodeMetric(system: string, role: string, metricName: Exclude<MetricName, 'Tunnels'>): Metric {
  return told(system, metricName, { Role: role }, Duration.minutes(1))
}

export type TunnelPath = 'direct' | 'relayed' | 'recovered'

/** Tunnels opened per hour, by the path of their first attempt; `recovered` counts those that became direct later. */
export const tunnels = (system: string, path: TunnelPath): Metric =>
  told(system, 'Tunnels', { Path: path }, Duration.hours(1))

export const tunnelsRelayedFor = (system: string, why: WhyNotDirect): Metric =>
  told(system, 'Tunnels', { Path: 'relayed', WhyNotDirect: why }, Duration.hours(1))

/** Smallest divisor of the relay share. With fewer tunnels an hour, a single relayed one would exceed the promised share. */
const FEW_TUNNELS = 100

/** Percentage of tunnels per hour that stay on a relay although no application asked for one. */
export function relayShare(system: string): MathExpression {
  const stays = 'FILL(relayed, 0) - FILL(asked, 0) - FILL(recovered, 0)'
  const all = 'FILL(direct, 0) + FILL(relayed, 0) - FILL(asked, 0)'
  return new MathExpression({
    label: 'tunnels that stay on a relay, %',
    expression: `100 * (${stays}) / IF(${all} > ${FEW_TUNNELS}, ${all}, ${FEW_TUNNELS})`,
    usingMetrics: {
      direct: tunnels(system, 'direct'),
      relayed: tunnels(system, 'relayed'),
      recovered: tunnels(system, 'recovered'),
      asked: tunnelsRelayedFor(system, 'policy'),
    },
    period: Duration.hours(1),
  })
}

function told(
  system: string,
  metricName: MetricName,
  labels: Readonly<Record<string, string>>,
  period: Duration,
): Metric {
  const label = `${Object.values(labels).at(-1)} ${metricName}`
  const dimensionsMap = { System: system, ...labels }
  return new Metric({ namespace: NAMESPACE, metricName, dimensionsMap, statistic: Stats.SUM, period, label })
}
