import { StraightwayError } from '../../shared/errors.ts'
import type { Page } from '../../shared/resources.ts'

/**
 * One page of a listing when it is awaited; everything, page after page, when it is iterated:
 *
 *   const { items, cursor } = await peer.index.users.list({ limit: 20 })
 *   for await (const user of peer.index.users.list()) …
 *
 * An iteration asks for the next page when it gets there, and rejects with what the request for a page rejects with.
 */
export interface Listing<T> extends Promise<Page<T>>, AsyncIterable<T> {}

/** `ask`: for the page at a cursor, the first one without. The first one is asked for immediately. */
export function listing<T>(ask: (cursor?: string) => Promise<Page<T>>): Listing<T> {
  const first = ask()
  const iterate = async function* (): AsyncGenerator<T, void, undefined> {
    let { items, cursor } = await first
    yield* items
    while (cursor !== undefined) {
      const next: Page<T> = await ask(cursor)
      if (next.cursor === cursor)
        throw new StraightwayError('unavailable', 'INDEX repeats a page of this list: ask for it again.')
      ;({ items, cursor } = next)
      yield* items
    }
  }
  return Object.assign(first, { [Symbol.asyncIterator]: iterate })
}
