import { Duration } from 'aws-cdk-lib'
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'

const RATES = { minute: Duration.minutes(1), day: Duration.days(1) } as const

export interface ScheduledCallProps {
  readonly every: keyof typeof RATES
  /** Calls at the same time, each with its `part`; a rule has five targets at most. Default: one, without. */
  readonly parts?: number | undefined
  readonly target: IFunction
}

/** Calls a function by the clock. A call that fails is not repeated: the next one does what it left. */
export class ScheduledCall extends Construct {
  constructor(scope: Construct, id: string, { every, parts, target }: ScheduledCallProps) {
    super(scope, id)
    const retry = { retryAttempts: 0, maxEventAge: RATES.minute }
    const shares = Array.from({ length: parts ?? 0 }, (_, part) =>
      RuleTargetInput.fromObject({ part, parts }),
    )
    const targets = shares.map((event) => new LambdaFunction(target, { ...retry, event }))
    new Rule(this, 'Rule', {
      schedule: Schedule.rate(RATES[every]),
      targets: targets.length > 0 ? targets : [new LambdaFunction(target, retry)],
    })
  }
}
