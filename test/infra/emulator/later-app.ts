/** The next release after the deployed one: other settings for tables and functions, and one more index. */
import { App } from 'aws-cdk-lib'
import { AttributeType, type TableV2 } from 'aws-cdk-lib/aws-dynamodb'
import { environment } from '../../../infra/environments.ts'
import { createSystem } from '../../../infra/system.ts'

const app = new App()
const { data } = createSystem(app, { ...environment('emulator'), backupDays: 2, logDays: 3 })
const users = data.tables.all.Users as TableV2
users.addGlobalSecondaryIndex({
  indexName: 'byName',
  partitionKey: { name: 'name', type: AttributeType.STRING },
})
