import { Duration } from 'aws-cdk-lib'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'

const RATES = { minute: Duration.minutes(1), day: Duration.days(1) } as const

/** Calls a function by the clock. A call that fails is not repeated: the next one does what it left. */
export class ScheduledCall extends Construct {
  constructor(scope: Construct, id: string, every: keyof typeof RATES, target: IFunction) {
    super(scope, id)
    const schedule = Schedule.rate(RATES[every])
    const targets = [new LambdaFunction(target, { retryAttempts: 0, maxEventAge: RATES.minute })]
    new Rule(this, 'Rule', { schedule, targets })
  }
}
