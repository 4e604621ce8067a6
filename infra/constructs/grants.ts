import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { TABLES, type Table, type TableName } from '../../shared/store/tables.ts'

/** Actions on items. No function or node may change a table itself. */
const READ = ['BatchGetItem', 'ConditionCheckItem', 'GetItem', 'Query', 'Scan']
const WRITE = ['BatchWriteItem', 'DeleteItem', 'PutItem', 'UpdateItem']
/** A transaction adds an item on condition that another one is there. */
const CREATE = ['ConditionCheckItem', 'PutItem']

/** The ARN of every table. The tables may be in another region than the grantee. */
export type TableArns = Readonly<Record<TableName, { readonly tableArn: string }>>

/** Tables that a function or node uses. */
export interface TableUse {
  readonly reads?: readonly TableName[] | undefined
  /** Tables that are written, and read too: no need to name them in `reads`. */
  readonly writes?: readonly TableName[] | undefined
  /** Tables that items are added to, and nothing else. */
  readonly creates?: readonly TableName[] | undefined
}

/** Grants the item actions that shared/store uses, on the given tables and on each of their indexes by name. */
export function grantTables(
  tables: TableArns,
  { grantPrincipal }: IGrantable,
  { reads = [], writes = [], creates = [] }: TableUse,
): void {
  const allow = (names: readonly TableName[], actions: readonly string[]) => {
    if (names.length === 0) return
    const resources = names.flatMap((name) => arnsOf(name, tables[name].tableArn))
    const prefixed = actions.map((action) => `dynamodb:${action}`)
    grantPrincipal.addToPrincipalPolicy(new PolicyStatement({ actions: prefixed, resources }))
  }
  allow(reads, READ)
  allow(writes, [...READ, ...WRITE])
  allow(creates, CREATE)
}

function arnsOf(name: TableName, arn: string): string[] {
  const { indexes = [] }: Table = TABLES[name]
  return [arn, ...indexes.map((index) => `${arn}/index/${index.name}`)]
}
