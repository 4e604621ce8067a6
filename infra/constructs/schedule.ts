import { Duration } from 'aws-cdk-lib'
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'

const RATES = { minute: Duration.minutes(1), day: Duration.days(1) } as const

export interface ScheduledCallProps {
  readonly every: keyof typeof RATES
  /** Parallel calls, each with its own `part` in the event; at most 5, the targets of a rule. Default: one call without. */
  readonly parts?: number | undefined
  readonly target: IFunction
  /** Default: true. */
  readonly enabled?: boolean
}

/** Calls a function every minute or every day. A failed call is not retried: the next one does what is left. */
export class ScheduledCall extends Construct {
  constructor(scope: Construct, id: string, { every, parts, target, enabled = true }: ScheduledCallProps) {
    super(scope, id)
    const retry = { retryAttempts: 0, maxEventAge: RATES.minute }
    const shares = Array.from({ length: parts ?? 0 }, (_, part) =>
      RuleTargetInput.fromObject({ part, parts }),
    )
    const targets = shares.map((event) => new LambdaFunction(target, { ...retry, event }))
    new Rule(this, 'Rule', {
      schedule: Schedule.rate(RATES[every]),
      enabled,
      targets: targets.length > 0 ? targets : [new LambdaFunction(target, retry)],
    })
  }
}
