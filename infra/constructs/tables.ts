import {
  AttributeType,
  Billing,
  type ITableV2,
  ProjectionType,
  StreamViewType,
  TableEncryptionV2,
  type TablePropsV2,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb'
import { Construct } from 'constructs'
import { StraightwayError } from '../../shared/errors.ts'
import { type Index, TABLES, type Table, type TableName } from '../../shared/store/tables.ts'
import { type Config, placesOf, prefixOf } from '../config.ts'
import { removalOf } from './removal.ts'

type TablesConfig = Pick<Config, 'name' | 'retain' | 'backupDays' | 'regions'>

/**
 * Every table of shared/store/tables.ts: on-demand capacity, encrypted, with point-in-time recovery, and kept when its stack
 * is deleted if `retain` is set.
 *
 * With a second region, every table that must not be lost has a replica there with the same properties. If that region has
 * been promoted, its replicas are adopted unchanged.
 */
export class Tables extends Construct {
  readonly all: Readonly<Record<TableName, ITableV2>>

  constructor(scope: Construct, id: string, config: TablesConfig) {
    super(scope, id)
    const { adopted } = placesOf(config)
    const tables = Object.entries(TABLES as Record<string, Table>).map(([name, table]) => {
      const isThere = adopted !== undefined && !table.passing
      return [name, isThere ? adopt(this, table, config, adopted) : make(this, table, config)]
    })
    this.all = Object.fromEntries(tables) as Record<TableName, ITableV2>
  }
}

const make = (scope: Construct, table: Table, config: TablesConfig): ITableV2 =>
  new TableV2(scope, table.name, tableProps(table, config)) as ITableV2

/** A replica that exists already. Throws `bad-request` if the table needs a stream and `streams` does not name it. */
function adopt(scope: Construct, table: Table, config: TablesConfig, streams: readonly string[]): ITableV2 {
  const tableName = physicalName(table, config)
  const tableStreamArn = streams.find((arn) => arn.includes(`:table/${tableName}/stream/`))
  if (table.stream !== undefined && tableStreamArn === undefined)
    throw new StraightwayError('bad-request', `regions.promoted.streams has no stream of ${tableName}`)
  const stream = table.stream && tableStreamArn ? { tableStreamArn } : {}
  return TableV2.fromTableAttributes(scope, table.name, { tableName, ...stream })
}

const physicalName = ({ name }: Table, config: TablesConfig): string => `${prefixOf(config)}${name}`

function tableProps(table: Table, config: TablesConfig): TablePropsV2 {
  const { second } = placesOf(config)
  return {
    tableName: physicalName(table, config),
    ...keysOf(table),
    globalSecondaryIndexes: (table.indexes ?? []).map((index) => ({
      indexName: index.name,
      ...keysOf(index),
      ...(index.keysOnly && { projectionType: ProjectionType.KEYS_ONLY }),
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
    removalPolicy: removalOf(config),
    ...(second && !table.passing && { replicas: [{ region: second }] }),
  }
}

function keysOf({ partition, sort }: Pick<Index, 'partition' | 'sort'>) {
  const partitionKey = { name: partition, type: AttributeType.STRING }
  return sort === undefined
    ? { partitionKey }
    : { partitionKey, sortKey: { name: sort, type: AttributeType.STRING } }
}
