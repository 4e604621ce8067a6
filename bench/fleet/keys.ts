/** The keys of items, by the description of their table. */
import { TABLES, type Table, type TableName } from '../../shared/store/tables.ts'
import type { Item, Names } from './expressions.ts'

export function keyNames(name: TableName): readonly string[] {
  const { partition, sort } = TABLES[name] as Table
  return sort === undefined ? [partition] : [partition, sort]
}

export function keysOf(name: TableName, item: Item): [partition: string, sort: string] {
  const [partition = '', sort] = keyNames(name)
  return [String(item[partition]), sort === undefined ? '' : String(item[sort])]
}

export function indexOf(name: TableName, index: string | undefined): { partition: string; sort?: string } {
  const table = TABLES[name] as Table
  return index === undefined ? table : table.indexes!.find((one) => one.name === index)!
}

interface Query extends Names {
  readonly KeyConditionExpression?: string
}

/** The value of the partition key in a query; undefined for a scan. */
export function partitionIn(input: Query, partition: string): string | undefined {
  const { KeyConditionExpression = '', ExpressionAttributeNames = {}, ExpressionAttributeValues = {} } = input
  for (const [, name = '', value = ''] of KeyConditionExpression.matchAll(/(\S+) = (:\w+)/g))
    if ((ExpressionAttributeNames[name] ?? name) === partition)
      return ExpressionAttributeValues[value] as string
  return undefined
}
