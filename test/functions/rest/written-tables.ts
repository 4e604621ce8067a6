/** Which tables a request has written to, in the order of their names. Notes of jobs and spent proofs are no outcome of it. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'

export interface Recording {
  start(): void
  /** Ends the recording: the tables since its start. */
  stop(): readonly string[]
}

const BESIDE = new Set(['Proofs', 'Jobs'])

interface Input {
  readonly TableName?: string
  readonly TransactItems?: readonly Readonly<Record<string, { readonly TableName: string }>>[]
}

export function record(client: DynamoDBDocumentClient): Recording {
  let on = false
  let tables = new Set<string>()
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const result = await next(args)
        if (on) for (const table of tablesOf(commandName, args.input as Input)) tables.add(table)
        return result
      },
    { step: 'initialize', name: 'record', priority: 'high' },
  )
  return {
    start: () => {
      on = true
    },
    stop: () => {
      const found = [...tables].filter((table) => !BESIDE.has(table)).sort()
      on = false
      tables = new Set()
      return found
    },
  }
}

function tablesOf(command: string, { TableName, TransactItems = [] }: Input): readonly string[] {
  if (/^(Put|Update|Delete)/.test(command) && TableName !== undefined) return [TableName]
  if (!command.startsWith('TransactWrite')) return []
  return TransactItems.flatMap((item) =>
    Object.entries(item)
      .filter(([kind]) => kind !== 'ConditionCheck')
      .map(([, { TableName }]) => TableName),
  )
}
