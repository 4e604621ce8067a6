/** Parts of an HTTP request, in the form in which API Gateway passes them on. */
import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'

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

/** Headers with their names as sent. If one is repeated, its last value counts. */
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

export const sourceIpOf = (request: IncomingMessage): string => plain(request.socket.remoteAddress)

/**
 * Host name under which the service was called. API Gateway answers only to its own names. A local server is reached by
 * any name that a client writes into the header, so it accepts only the names of its own address.
 */
export function domainNameOf({ headers, socket }: IncomingMessage): string {
  const { localAddress, localPort } = socket
  const address = plain(localAddress)
  const own = isIPv6(address) ? `[${address}]` : address
  const [, name = '', port = '80'] = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(headers.host ?? '') ?? []
  const isOwn = Number(port) === localPort && (isLoopback(name) || name === own)
  return isOwn ? headers.host! : `${own}:${localPort}`
}

const isLoopback = (name: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/i.test(name)

const plain = (address = ''): string => address.replace(/^::ffff:/, '')

/**
 * Reads the whole body; undefined if it exceeds the limit. A longer body is still read to its end, as the caller would
 * otherwise never read the answer. Rejects if the caller disconnects or takes too long.
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
