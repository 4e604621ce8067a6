import { Stack } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import type { Config } from '../config.ts'
import { Alarms } from '../constructs/alarms.ts'
import { Budget } from '../constructs/budget.ts'
import { Dashboard } from '../constructs/dashboard.ts'
import { promises } from '../promises.ts'
import type { ApiStack } from './api.ts'
import type { EdgeStack } from './edge.ts'

export interface WatchProps {
  readonly config: Config
  readonly api: ApiStack
  readonly edge: EdgeStack
}

/** What looks at the rest, and says when a promise does not hold or the money runs out. */
export class WatchStack extends Stack {
  readonly alarms: Alarms

  constructor(scope: Construct, id: string, { config, api, edge }: WatchProps) {
    super(scope, id, { description: 'Straightway: dashboard, alarms, budget' })
    this.alarms = new Alarms(this, 'Alarms', config, promises(config, api, edge))
    new Dashboard(this, 'Dashboard', { config, alarms: this.alarms, api, edge })
    new Budget(this, 'Budget', config)
  }
}
