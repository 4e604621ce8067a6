import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { TABLES, type Table, type TableName } from '../../shared/store/tables.ts'

/** Of items; nothing about tables themselves. */
const READ = ['BatchGetItem', 'ConditionCheckItem', 'GetItem', 'Query', 'Scan']
const WRITE = ['BatchWriteItem', 'DeleteItem', 'PutItem', 'UpdateItem']

/** A table of this region or of another: only where it is matters here. */
export type TableArns = Readonly<Record<TableName, { readonly tableArn: string }>>

export interface TableUse {
  readonly reads?: readonly TableName[] | undefined
  /** Read as well. */
  readonly writes?: readonly TableName[] | undefined
}

/** What shared/store does, on the tables named and each of their indexes by name. */
export function grantTables(
  tables: TableArns,
  { grantPrincipal }: IGrantable,
  { reads = [], writes = [] }: TableUse,
): void {
  const allow = (names: readonly TableName[], actions: readonly string[]) => {
    if (names.length === 0) return
    const resources = names.flatMap((name) => arnsOf(name, tables[name].tableArn))
    const prefixed = actions.map((action) => `dynamodb:${action}`)
    grantPrincipal.addToPrincipalPolicy(new PolicyStatement({ actions: prefixed, resources }))
  }
  allow(reads, READ)
  allow(writes, [...READ, ...WRITE])
}

function arnsOf(name: TableName, arn: string): string[] {
  const { indexes = [] }: Table = TABLES[name]
  return [arn, ...indexes.map((index) => `${arn}/index/${index.name}`)]
}
