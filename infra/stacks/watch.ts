import { Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { type Config, placesOf, prefixOf } from '../config.ts'
import { Alarms } from '../constructs/alarms.ts'
import { Budget } from '../constructs/budget.ts'
import { Dashboard } from '../constructs/dashboard.ts'
import { promises } from '../promises.ts'
import type { ApiStack } from './api.ts'
import type { EdgeStack } from './edge.ts'

export interface WatchProps extends Pick<StackProps, 'env' | 'synthesizer'> {
  readonly config: Config
  readonly api: ApiStack
  readonly edge: EdgeStack
}

/**
 * The stack that watches the others: alarms for broken promises, a dashboard and a budget. Budgets and dashboards belong to
 * the whole account. So after a promotion of the second region no second budget is created, and the dashboard of that
 * region's machines is reused.
 */
export class WatchStack extends Stack {
  readonly alarms: Alarms

  constructor(scope: Construct, id: string, { config, api, edge, ...props }: WatchProps) {
    super(scope, id, { ...props, description: 'Straightway: dashboard, alarms, budget' })
    this.alarms = new Alarms(this, 'Alarms', config, promises(config, edge, api))
    const { home, adopted } = placesOf(config)
    new Dashboard(this, 'Dashboard', {
      name: `${prefixOf(config)}${adopted ? home : 'system'}`,
      config,
      alarms: this.alarms,
      api,
      machines: edge,
    })
    if (adopted === undefined) new Budget(this, 'Budget', config)
  }
}
