import { StraightwayError } from '../errors.ts'
import type { Page } from '../resources.ts'

/**
 * A listing. Awaited, it gives one page; iterated, it gives every item, page after page:
 *
 *   const { items, cursor } = await peer.index.users.list({ limit: 20 })
 *   for await (const user of peer.index.users.list()) …
 *
 * An iteration requests the next page when it gets there. It rejects if the request for a page rejects.
 */
export interface Listing<T> extends Promise<Page<T>>, AsyncIterable<T> {}

/**
 * Makes a listing. `ask` requests the page at a cursor, or the first page without one. The first page is requested
 * immediately.
 */
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
