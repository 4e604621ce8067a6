import { CfnBudget } from 'aws-cdk-lib/aws-budgets'
import { Construct } from 'constructs'
import { type Config, prefixOf } from '../config.ts'

/**
 * The monthly cost budget of the system, measured by the tag `straightway` that every resource carries. It notifies
 * `alarmEmail` at 80 % of the actual cost and when the forecast exceeds 100 %. Without an address it notifies nobody.
 */
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
