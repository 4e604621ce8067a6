/**
 * Sends one HTTP request to a router and returns the text of the answer, whatever its status. `fetch` does not do: its
 * parser rejects the HTTP of some routers, and it would follow redirects to other hosts.
 */

import { request } from 'node:http'
import { deferred } from '../deferred.ts'

const PATIENCE_MS = 3000
const LONGEST_BYTES = 256 * 1024

export interface RequestOptions {
  /** Address of this machine to send from. */
  readonly local: string
  readonly headers?: Readonly<Record<string, string>>
  /** Body of a POST. Without it the request is a GET. */
  readonly body?: string
}

/** Rejects if there is no complete answer within 3 s, or the answer is too long. */
export function fetchText(url: URL, { local, headers = {}, body }: RequestOptions): Promise<string> {
  const { promise, resolve, reject } = deferred<string>()
  const sent = request(
    url,
    {
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...headers, ...(body !== undefined && { 'Content-Length': Buffer.byteLength(body) }) },
      localAddress: local,
      agent: false,
      insecureHTTPParser: true,
      signal: AbortSignal.timeout(PATIENCE_MS),
    },
    async (answer) => {
      try {
        resolve(await textOf(answer))
      } catch (error) {
        reject(error)
      }
    },
  )
  sent.on('error', reject)
  sent.end(body)
  return promise
}

async function textOf(answer: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of answer) {
    length += part.length
    if (length > LONGEST_BYTES) throw new RangeError('a router does not say so much')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
