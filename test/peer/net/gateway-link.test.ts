import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { dialGateway } from '../../../peer/net/gateway-socket.ts'
import { GatewayLink } from '../../../shared/client/gateway-link.ts'
import type { NodeId } from '../../../shared/ids.ts'

const NODE = 'node_aaaaaaaa' as NodeId

/** Starts the other end and a link to it. Records all events of the link. */
async function gateway() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const events: string[] = []
  let proofs = 0
  const link = new GatewayLink({
    dial: dialGateway,
    url: () => `ws://127.0.0.1:${port}`,
    proof: () => `proof.${++proofs}.x`,
    onGone: (node) => events.push(`gone ${node}`),
  })
  const open = (service: 'checkpoint' | 'handshake' = 'checkpoint') => {
    const opened = link.open({
      service,
      receive: (bytes, node) => events.push(`${service} ${node} ${Buffer.from(bytes)}`),
      events: { failed: () => events.push('failed'), reopened: () => events.push('reopened') },
    })
    onTestFinished(() => opened.close())
    return opened
  }
  const next = async () => (await once(server, 'connection')) as [WebSocket, IncomingMessage]
  return { server, link, events, open, next }
}

const bytes = (text: string) => Buffer.from(text)
const heard = async (socket: WebSocket) => JSON.parse(String((await once(socket, 'message'))[0]))
const answer = (port: number, more: object = {}) =>
  JSON.stringify({ kind: 'datagram', node: NODE, service: 'checkpoint', port, bytes: 'aGk=', ...more })

test('is there while somebody is carried, and shows each time who we are', async () => {
  const { server, open, next } = await gateway()
  for (const proof of ['proof.1.x', 'proof.2.x']) {
    const connected = next()
    const [one, other] = [open(), open('handshake')]
    const [socket, request] = await connected
    expect(request.headers.authorization).toBe(`Bearer ${proof}`)
    const closed = once(socket, 'close')
    one.close()
    expect(server.clients.size).toBe(1)
    other.close()
    await closed
  }
})

test('keeps what is said before it is open, the latest of it', async () => {
  const { open, next } = await gateway()
  const connected = next()
  const port = open()
  for (let i = 0; i < 40; i++) port.send(NODE, bytes(`${i}`))
  const [socket] = await connected
  expect(await heard(socket)).toMatchObject({
    kind: 'datagram',
    node: NODE,
    service: 'checkpoint',
    bytes: 'OA==',
  })
})

test('brings each port what is for it, and nothing of what else may be said', async () => {
  const { open, next, events } = await gateway()
  const connected = next()
  const port = open('handshake')
  const [socket] = await connected
  port.send(NODE, bytes('x'))
  const { port: number } = await heard(socket)
  const others = [
    answer(number),
    answer(number + 1, { service: 'handshake' }),
    '{',
    'null',
    '[]',
    '{"kind":1}',
  ]
  for (const text of others) socket.send(text)
  socket.send(answer(number, { service: 'handshake' }))
  socket.send(JSON.stringify({ kind: 'gone', node: NODE }))
  await vi.waitUntil(() => events.length >= 2, { timeout: 60_000 })
  expect(events).toEqual([`handshake ${NODE} hi`, `gone ${NODE}`])
})

test('opens itself again when it is lost, and tells so', async () => {
  const { open, next, events } = await gateway()
  let connected = next()
  open()
  const [socket] = await connected
  connected = next()
  socket.terminate()
  await connected
  await vi.waitUntil(() => events.includes('reopened'), { timeout: 60_000 })
})

test('is given up where the gateway cannot be reached', async () => {
  const { server, open, events } = await gateway()
  server.close()
  open()
  await vi.waitUntil(() => events.includes('failed'), { timeout: 10_000 })
})
