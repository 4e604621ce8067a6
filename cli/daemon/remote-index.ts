/** A client for INDEX through the process that is `up`. Each of its methods is called by name. */
import type { IndexClient } from '../../peer/index.ts'
import { listing } from '../../shared/rest-client/listing.ts'
import { withoutAbsent } from './protocol.ts'

type CallIndex = (path: readonly string[], args: readonly unknown[]) => Promise<unknown>

export function remoteIndex(call: CallIndex, path: readonly string[] = []): IndexClient {
  return new Proxy(() => {}, {
    get: (_, name) =>
      typeof name === 'symbol' || name === 'then' ? undefined : remoteIndex(call, [...path, name]),
    apply: (_, __, args: unknown[]) =>
      LISTINGS.has(path.at(-1)!) ? pagesOf(call, path, args) : call(path, withoutAbsent(args)),
  }) as unknown as IndexClient
}

const LISTINGS = new Set(['list', 'search'])

/** A listing whose query is the last argument. */
function pagesOf(call: CallIndex, path: readonly string[], args: readonly unknown[]) {
  const isQuery = typeof args.at(-1) === 'object'
  const [ids, query] = isQuery ? [args.slice(0, -1), args.at(-1) as object] : [args, {}]
  const ask = (cursor?: string) => call(path, [...ids, { ...query, ...(cursor !== undefined && { cursor }) }])
  return listing(ask as Parameters<typeof listing>[0])
}
