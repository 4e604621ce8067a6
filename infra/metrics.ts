/** Metrics of our own: functions/watch/fleet.ts publishes those with a role, the CloudWatch agent those of the network card. */
import { Duration } from 'aws-cdk-lib'
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch'

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
