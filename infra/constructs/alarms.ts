import {
  Alarm,
  ComparisonOperator,
  type MathExpression,
  type Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import type { Topic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'
import { type Config, prefixOf } from '../config.ts'
import { operatorTopic } from './operator-topic.ts'

/** A promise of the system and the metric that shows whether it holds. */
export interface Promised {
  readonly name: string
  /** The promise that is broken when the alarm rings; a sentence of the alarm's description. */
  readonly broken: string
  readonly metric: Metric | MathExpression
  /** Upper bound: the alarm rings while the metric is above it. Give either `above` or `below`. */
  readonly above?: number
  /** Lower bound: the alarm rings while the metric is below it. */
  readonly below?: number
  /** Minutes that the bound must be crossed before the alarm rings: a multiple of the metric's period. */
  readonly minutes: number
  /** The alarm also rings if the metric has no data. Default: missing data counts as good. */
  readonly silenceRings?: true
}

/** One CloudWatch alarm per promise. All of them notify one topic, when they ring and when they recover. */
export class Alarms extends Construct {
  readonly topic: Topic
  readonly all: readonly Alarm[]

  constructor(
    scope: Construct,
    id: string,
    config: Pick<Config, 'name' | 'alarmEmail'>,
    promises: readonly Promised[],
  ) {
    super(scope, id)
    this.topic = operatorTopic(this, 'Topic', { config, topicName: `${prefixOf(config)}alarms` })
    const action = new SnsAction(this.topic)
    this.all = promises.map((promised) => {
      const alarm = new Alarm(this, promised.name, alarmProps(config, promised))
      alarm.addAlarmAction(action)
      alarm.addOkAction(action)
      return alarm
    })
  }
}

function alarmProps(
  config: Pick<Config, 'name'>,
  { name, broken, metric, above, below, minutes, silenceRings }: Promised,
) {
  const { GREATER_THAN_THRESHOLD, LESS_THAN_THRESHOLD } = ComparisonOperator
  return {
    alarmName: `${prefixOf(config)}${name}`,
    alarmDescription: `${broken} See infra/README.md, "When an alarm rings": ${name}.`,
    metric,
    threshold: above ?? below ?? 0,
    comparisonOperator: above === undefined ? LESS_THAN_THRESHOLD : GREATER_THAN_THRESHOLD,
    evaluationPeriods: minutes / metric.period.toMinutes(),
    treatMissingData: silenceRings ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
  }
}
