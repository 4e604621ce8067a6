/**
 * Records which tables a request has written to, sorted by name. Not recorded are records of jobs, used proofs, writes of
 * other requests, and writes of the jobs that a request leaves running.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { isUse } from './interrupted-client.ts'

export interface Recording {
  /** Carries out a request and returns the tables that it writes. */
  of<T>(request: () => Promise<T>): Promise<{ readonly result: T; readonly tables: readonly string[] }>
  /** Carries out something within a request that is not part of it. */
  apart<T>(act: () => Promise<T>): Promise<T>
}

const BESIDE = new Set(['Proofs', 'Jobs'])

interface Input {
  readonly TableName?: string
  readonly TransactItems?: readonly Readonly<Record<string, { readonly TableName: string }>>[]
}

export function record(client: DynamoDBDocumentClient): Recording {
  const written = new AsyncLocalStorage<Set<string>>()
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const result = await next(args)
        if (isUse(args.input)) return result
        for (const table of tablesOf(commandName, args.input as Input)) written.getStore()?.add(table)
        return result
      },
    { step: 'initialize', name: 'record', priority: 'high' },
  )
  return {
    async of(request) {
      const tables = new Set<string>()
      const result = await written.run(tables, request)
      return { result, tables: [...tables].filter((table) => !BESIDE.has(table)).sort() }
    },
    apart: (act) => written.exit(act),
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
