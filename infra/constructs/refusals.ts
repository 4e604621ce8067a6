import { Duration } from 'aws-cdk-lib'
import { type Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch'
import { FilterPattern, type ILogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { NAMESPACE } from '../metrics.ts'

export interface RefusalsProps {
  /** The access log of a stage; its lines have a field `system`. */
  readonly log: ILogGroup
  readonly metric: string
  readonly system: string
  /** Filter pattern of CloudWatch Logs that matches a request that API Gateway refused because of its rate. */
  readonly pattern: string
}

/**
 * Counts what API Gateway answers with 429. Neither the function nor the metric of client errors tells: the function is
 * never called, and the metric counts every 4xx.
 */
export class Refusals extends Construct {
  readonly metric: Metric

  constructor(scope: Construct, id: string, { log, metric, system, pattern }: RefusalsProps) {
    super(scope, id)
    const filter = new MetricFilter(this, 'Filter', {
      logGroup: log,
      filterPattern: FilterPattern.literal(pattern),
      metricNamespace: NAMESPACE,
      metricName: metric,
      metricValue: '1',
      dimensions: { System: '$.system' },
    })
    const period = Duration.minutes(1)
    this.metric = filter.metric({ statistic: Stats.SUM, period, dimensionsMap: { System: system } })
  }
}
