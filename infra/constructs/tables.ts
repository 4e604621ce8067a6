import { RemovalPolicy } from 'aws-cdk-lib'
import {
  AttributeType,
  Billing,
  StreamViewType,
  TableEncryptionV2,
  type TablePropsV2,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb'
import { Construct } from 'constructs'
import { type Index, TABLES, type Table, type TableName } from '../../shared/store/tables.ts'
import { type Config, prefixOf } from '../config.ts'

type TablesConfig = Pick<Config, 'name' | 'retain' | 'backupDays' | 'regions'>

/**
 * Every table of shared/store/tables.ts: on demand, encrypted, recoverable to the second, kept when its stack goes. Where there
 * is a second region what must not be lost has a replica there, which is the same in all that.
 */
export class Tables extends Construct {
  readonly all: Readonly<Record<TableName, TableV2>>

  constructor(scope: Construct, id: string, config: TablesConfig) {
    super(scope, id)
    const names = Object.keys(TABLES) as TableName[]
    const made = names.map((name) => [name, new TableV2(this, name, tableProps(TABLES[name], config))])
    this.all = Object.fromEntries(made) as Record<TableName, TableV2>
  }
}

function tableProps(table: Table, config: TablesConfig): TablePropsV2 {
  return {
    tableName: `${prefixOf(config)}${table.name}`,
    ...keysOf(table),
    globalSecondaryIndexes: (table.indexes ?? []).map((index) => ({
      indexName: index.name,
      ...keysOf(index),
    })),
    ...(table.stream && { dynamoStream: StreamViewType.NEW_AND_OLD_IMAGES }),
    ...(table.expires && { timeToLiveAttribute: table.expires }),
    billing: Billing.onDemand(),
    encryption: TableEncryptionV2.awsManagedKey(),
    pointInTimeRecoverySpecification: {
      pointInTimeRecoveryEnabled: true,
      recoveryPeriodInDays: config.backupDays,
    },
    deletionProtection: config.retain,
    removalPolicy: config.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    ...(config.regions && !table.passing && { replicas: [{ region: config.regions.second }] }),
  }
}

function keysOf({ partition, sort }: Pick<Index, 'partition' | 'sort'>) {
  const partitionKey = { name: partition, type: AttributeType.STRING }
  return sort === undefined
    ? { partitionKey }
    : { partitionKey, sortKey: { name: sort, type: AttributeType.STRING } }
}
