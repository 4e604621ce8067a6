/** What the doors need to know of a request: its parts, as the service would hand them on. */
import type { IncomingMessage } from 'node:http'

export interface Target {
  readonly path: string
  readonly query: URLSearchParams
}

export function targetOf(url = '/'): Target {
  const [path = '/', query = ''] = splitOnce(url.replace(/^https?:\/\/[^/]*/i, ''), '?')
  return { path: path === '' ? '/' : path, query: new URLSearchParams(query) }
}

export type SingleValues = Record<string, string>
export type MultiValues = Record<string, string[]>

/** Header names as they were sent; the last value of a repeated one counts. */
export function headersOf(request: IncomingMessage): { single: SingleValues; multi: MultiValues } {
  const pairs: [string, string][] = []
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    pairs.push([request.rawHeaders[i]!, request.rawHeaders[i + 1]!])
  }
  return valuesOf(pairs)
}

export function valuesOf(pairs: Iterable<[string, string]>): { single: SingleValues; multi: MultiValues } {
  const multi = new Map<string, string[]>()
  for (const [name, value] of pairs) multi.set(name, [...(multi.get(name) ?? []), value])
  const single = [...multi].map(([name, values]) => [name, values.at(-1)!])
  return { single: Object.fromEntries(single), multi: Object.fromEntries(multi) }
}

export const sourceIpOf = (request: IncomingMessage): string =>
  (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')

/**
 * The whole body, undefined where it is longer than allowed; it is read to its end then too, or the caller would never
 * read our answer. Rejects when the caller goes away or takes too long.
 */
export async function bodyOf(request: IncomingMessage, limitBytes: number): Promise<Buffer | undefined> {
  let chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > limitBytes) chunks = []
    else chunks.push(chunk)
  }
  return length > limitBytes ? undefined : Buffer.concat(chunks)
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
