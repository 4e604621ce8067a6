import { CfnBudget } from 'aws-cdk-lib/aws-budgets'
import { Construct } from 'constructs'
import { type Config, prefixOf } from '../config.ts'

/** What the system may cost in a month, by the tag that every resource of it has. Somebody has to be told, so it wants an address. */
export class Budget extends Construct {
  constructor(
    scope: Construct,
    id: string,
    config: Pick<Config, 'name' | 'monthlyBudgetDollars' | 'alarmEmail'>,
  ) {
    super(scope, id)
    const { name, monthlyBudgetDollars, alarmEmail } = config
    new CfnBudget(this, 'Monthly', {
      budget: {
        budgetName: `${prefixOf(config)}monthly`,
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        budgetLimit: { amount: monthlyBudgetDollars, unit: 'USD' },
        costFilters: { TagKeyValue: [`user:straightway$${name}`] },
      },
      notificationsWithSubscribers: alarmEmail
        ? [notification('ACTUAL', 80, alarmEmail), notification('FORECASTED', 100, alarmEmail)]
        : [],
    })
  }
}

function notification(notificationType: 'ACTUAL' | 'FORECASTED', threshold: number, address: string) {
  return {
    notification: {
      notificationType,
      threshold,
      thresholdType: 'PERCENTAGE',
      comparisonOperator: 'GREATER_THAN',
    },
    subscribers: [{ subscriptionType: 'EMAIL', address }],
  }
}
