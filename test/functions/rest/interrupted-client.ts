/** A client of the tables. A test can delay its calls, or cut them off as a dying process would. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'

export interface Interruptions {
  /** Runs before every write. If it rejects, the caller gets the rejection and nothing is written. */
  beforeWrite: (() => Promise<void>) | undefined
  /** Number of writes since the start. */
  writes: number
}

const WRITING = /^(Put|Update|Delete|TransactWrite|BatchWrite)/

export function interrupt(client: DynamoDBDocumentClient): Interruptions {
  const interruptions: Interruptions = { beforeWrite: undefined, writes: 0 }
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        if (WRITING.test(commandName) && !isUse(args.input)) {
          interruptions.writes++
          await interruptions.beforeWrite?.()
        }
        return next(args)
      },
    { step: 'initialize', name: 'interrupt', priority: 'high' },
  )
  return interruptions
}

/** True if it only notes that an API key was used, which is no part of what a request does. */
export const isUse = (input: object): boolean =>
  'Item' in input && /~used$/.test(`${(input.Item as { key?: string }).key}`)

/** Runs `act` once: between the reads of a request and its first write, or its `nth` one. */
export function meanwhile(interruptions: Interruptions, act: () => Promise<unknown>, nth = 1): void {
  let left = nth
  interruptions.beforeWrite = async () => {
    if (--left > 0) return
    interruptions.beforeWrite = undefined
    await act()
  }
}
