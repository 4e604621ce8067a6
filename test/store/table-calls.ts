/** Counts the traffic of a client of the tables: calls, and bytes of the bodies. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'

export interface TableCalls {
  readonly calls: number
  readonly bytes: number
  /** Calls by operation. */
  readonly by: Readonly<Record<string, number>>
}

interface Wire {
  readonly body?: string | Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

/** Returns a function that gives the counts since its last call. */
export function countCalls(client: DynamoDBDocumentClient): () => TableCalls {
  let [calls, bytes] = [0, 0]
  let by: Record<string, number> = {}
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const result = await next(args)
        const name = commandName.replace(/Command$/, '')
        by[name] = (by[name] ?? 0) + 1
        calls++
        bytes +=
          ((args.request as Wire).body?.length ?? 0) +
          Number((result.response as Wire).headers['content-length'] ?? 0)
        return result
      },
    { step: 'finalizeRequest', name: 'countCalls', priority: 'low' },
  )
  return () => {
    const counted = { calls, bytes, by }
    ;[calls, bytes, by] = [0, 0, {}]
    return counted
  }
}
