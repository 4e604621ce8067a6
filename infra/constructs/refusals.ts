import { Duration } from 'aws-cdk-lib'
import { type Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch'
import { FilterPattern, type ILogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { NAMESPACE } from '../metrics.ts'

export interface RefusalsProps {
  /** The access log of a stage. Its lines are JSON with a field `system`. */
  readonly log: ILogGroup
  /** Name of the metric. */
  readonly metric: string
  readonly system: string
  /** CloudWatch Logs filter pattern that matches a request which API Gateway throttled. */
  readonly pattern: string
}

/**
 * A metric of the requests per minute that API Gateway answers with 429. No other metric shows them: the function is not
 * called for a throttled request, and API Gateway's metric of client errors counts every 4xx.
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
