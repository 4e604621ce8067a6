/**
 * A client that has the same rights on tables as the role of a function or node. It rejects other commands as IAM does.
 * Neither the embedded engine nor an emulator knows roles. Without this client, a missing right would show only in a real
 * account.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { TableUse } from '../../infra/constructs/grants.ts'
import { FUNCTIONS, type FunctionName } from '../../infra/functions.ts'
import { tableName } from '../../shared/store/client.ts'

interface Named {
  readonly TableName?: string
}

interface Command {
  readonly input: Named & {
    readonly RequestItems?: Readonly<Record<string, unknown>>
    readonly TransactItems?: readonly Readonly<Record<string, Named>>[]
  }
}

const WRITES = new Set([
  ...['PutCommand', 'UpdateCommand', 'DeleteCommand', 'BatchWriteCommand'],
  // Steps of a transaction.
  ...['Put', 'Update', 'Delete'],
])
/** Actions on a table to which items are only added. */
const CREATIONS = new Set(['PutCommand', 'Put', 'ConditionCheck'])

/** Returns a client with the rights of the function of this name. */
export const asFunction = (client: DynamoDBDocumentClient, name: FunctionName): DynamoDBDocumentClient =>
  permitted(client, FUNCTIONS[name])

export function permitted(
  client: DynamoDBDocumentClient,
  { reads = [], writes = [], creates = [] }: TableUse,
): DynamoDBDocumentClient {
  const writable = new Set(writes.map((name) => tableName(name)))
  const readable = new Set([...writable, ...reads.map((name) => tableName(name))])
  const addable = new Set(creates.map((name) => tableName(name)))
  const send = async (command: Command, ...rest: readonly unknown[]) => {
    for (const [table, kind] of usesOf(command)) {
      const isCreated = addable.has(table) && CREATIONS.has(kind)
      if (!isCreated && !(WRITES.has(kind) ? writable : readable).has(table)) throw refusal(command, table)
    }
    return (client.send as (...all: unknown[]) => Promise<unknown>).call(client, command, ...rest)
  }
  return Object.create(client, { send: { value: send } }) as DynamoDBDocumentClient
}

/** Returns the tables that a command names, and what it does to each: the name of the command, or of a step. */
function usesOf(command: Command): readonly (readonly [table: string, kind: string])[] {
  const { TableName, RequestItems = {}, TransactItems = [] } = command.input
  const names = TableName === undefined ? Object.keys(RequestItems) : [TableName]
  const steps = TransactItems.flatMap((step) => Object.entries(step))
  return [
    ...names.map((name) => [name, command.constructor.name] as const),
    ...steps.map(([kind, { TableName: name = '' }]) => [name, kind] as const),
  ]
}

function refusal(command: Command, table: string): Error {
  const error = new Error(`not authorized to perform ${command.constructor.name} on ${table}`)
  error.name = 'AccessDeniedException'
  return error
}
