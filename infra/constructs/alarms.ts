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

export interface Promised {
  readonly name: string
  /** Which promise is broken when it rings, and where the runbook says what to do. */
  readonly broken: string
  readonly metric: Metric | MathExpression
  /** It rings above this, or below it. */
  readonly above?: number
  readonly below?: number
  /** How long, in whole periods of the metric. */
  readonly minutes: number
  /** That nothing was measured is as bad. */
  readonly silenceRings?: true
}

/** An alarm for each promise, all to one topic. */
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
