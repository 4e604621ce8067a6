/** A real HTTP server that receives webhooks, checks their signatures, and fails as it is told. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Message {
  readonly id: string
  // biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of an event
  readonly event: any
}

/** The treatment of a message that was signed well. Undefined: it is accepted. */
export type Misbehave = (message: Message, response: ServerResponse) => boolean

export type Receiver = Awaited<ReturnType<typeof startReceiver>>

export async function startReceiver() {
  const secrets = new Set<string>()
  const accepted = new Map<string, Message>()
  const counts = { posts: 0, unsigned: 0, again: 0 }
  let misbehave: Misbehave = () => false

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    counts.posts++
    if (!isSigned(request, body, secrets)) {
      counts.unsigned++
      response.writeHead(401).end()
      return
    }
    const id = `${request.headers['webhook-id']}`
    const message: Message = { id, event: JSON.parse(body) }
    if (misbehave(message, response)) return
    if (accepted.has(id)) counts.again++
    accepted.set(id, message)
    response.writeHead(204).end()
  }

  const server = createServer((request, response) => {
    receive(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    secrets,
    accepted,
    counts,
    fails(how: Misbehave) {
      misbehave = how
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Standard Webhooks, written from the specification: any of the signatures is by any of the secrets. */
function isSigned({ headers }: IncomingMessage, body: string, secrets: Iterable<string>): boolean {
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  const given = `${headers['webhook-signature']}`.split(' ').map((text) => text.replace(/^v1,/, ''))
  for (const secret of secrets) {
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
    const expected = createHmac('sha256', key).update(signed).digest()
    for (const text of given) {
      const bytes = Buffer.from(text, 'base64')
      if (bytes.length === expected.length && timingSafeEqual(bytes, expected)) return true
    }
  }
  return false
}
