/** A peer reads what it was not told about others, and retries until INDEX answers. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { arrayBuffer } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../local/engine.ts'
import { type System, startSystem } from '../../local/system.ts'
import { join, type Peer } from '../../peer/index.ts'
import { createClient } from '../../shared/store/client.ts'
import { createConnections } from '../../shared/store/connections.ts'

const HOST = '127.0.0.1'
const PATIENCE = { timeout: 30_000, interval: 50 }
const joined: Peer[] = []
let system: System
let port: number
/** True if INDEX fails all requests about peers. */
let isAway = false
/** Number of requests for lists of peers, and of those that INDEX answered. */
let listings = 0
let answered = 0

const proxy = createServer(async (request, response) => {
  const isListing = request.method === 'GET' && request.url!.startsWith('/v1/peers?')
  if (isListing) listings++
  if (isListing && isAway) {
    response.writeHead(503, { 'content-type': 'application/json' }).end('{"message":"Service Unavailable"}')
    return
  }
  if (isListing) answered++
  const { method, headers, url } = request
  const body = method === 'GET' ? {} : { body: await arrayBuffer(request) }

  const {
    'transfer-encoding': _,
    connection: __,
    'content-length': ___,
    ...kept
  } = headers as Record<string, string>
  const answer = await fetch(`${system.index}${url}`, { method: method!, headers: kept, ...body })
  const type = answer.headers.get('content-type')
  response.writeHead(answer.status, type === null ? {} : { 'content-type': type })
  response.end(Buffer.from(await answer.arrayBuffer()))
})

beforeAll(async () => {
  port = await freePort()
  system = await startSystem({ freePorts: true, indexHosts: [`${HOST}:${port}`] })
  proxy.listen(port, HOST)
  await once(proxy, 'listening')
})
afterEach(async () => {
  isAway = false
  await Promise.all(joined.splice(0).map((peer) => peer.close()))
})
afterAll(async () => {
  proxy.close()
  proxy.closeAllConnections()
  await system.close()
})

async function joining(name: string, index = system.index): Promise<Peer> {
  const peer = await join({ index, invite: system.invite, name })
  joined.push(peer)
  return peer
}

test('who is there is read again until INDEX answers', async () => {
  const bob = await joining('Bob')
  await expect.poll(() => bob.state, PATIENCE).toBe('online')
  isAway = true
  const ann = await joining('Ann', `http://${HOST}:${port}`)
  await expect.poll(() => ann.state, PATIENCE).toBe('online')
  for (let again = 0; again < 2; again++)
    await expect(ann.roster.ready()).rejects.toMatchObject({ code: 'unavailable' })
  // Ann may hear of Bob by a push as well, so what counts is that the list was read.
  expect(answered).toBe(0)
  isAway = false
  await expect.poll(() => answered, PATIENCE).toBeGreaterThan(0)
  await expect.poll(() => ann.roster.get(bob.peer)?.name, PATIENCE).toBe('Bob')
})

test('a peer whose node was not told of changes reads who is there', async () => {
  const ann = await joining('Ann', `http://${HOST}:${port}`)
  await expect.poll(() => ann.state, PATIENCE).toBe('online')
  for (let again = 0; again < 2; again++) await ann.roster.ready()
  const client = createClient({ endpoint: system.dynamodb })
  const connections = createConnections(client)
  const { port: gateway } = new URL(system.index)
  const before = listings
  for (const node of await connections.nodes())
    for (const { connection } of await connections.ofNode(node))
      await fetch(`http://${HOST}:${gateway}/@connections/${encodeURIComponent(connection)}`, {
        method: 'DELETE',
      })
  await expect.poll(() => listings, PATIENCE).toBeGreaterThan(before)
  client.destroy()
})
