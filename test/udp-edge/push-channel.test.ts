import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import type { NodeId } from '../../shared/ids.ts'
import { PushChannel } from '../../udp-edge/push-channel.ts'

const PATIENTLY = { timeout: 20_000 }

/** Starts a gateway behind a connection that can fall silent: messages are then dropped, and nothing is closed. */
async function gateway(autoPong = true) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', autoPong })
  await once(server, 'listening')
  const pings = vi.fn()
  server.on('connection', (socket) => socket.on('ping', pings))
  const sockets = new Set<Socket>()
  let isSilent = false
  const way = createServer((near) => {
    const far = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const isDead = isSilent
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('data', (bytes) => isSilent || isDead || to.write(bytes))
      from.on('error', () => {})
      from.on('close', () => to.destroy())
    }
  })
  way.listen(0, '127.0.0.1')
  await once(way, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    way.close()
    server.close()
  })
  return {
    url: `ws://127.0.0.1:${(way.address() as AddressInfo).port}`,
    fallSilent: () => {
      isSilent = true
    },
    speakAgain: () => {
      isSilent = false
    },
    pings,
  }
}

function channelTo(url: string) {
  const told: string[] = []
  const channel = new PushChannel({
    ...{ url, node: 'node_aaaaaaaa' as NodeId, fleetKey: new Uint8Array(32), onPush: () => {} },
    ...{ aliveMs: 50, onOpen: () => told.push('open'), onLost: () => told.push('lost') },
  })
  onTestFinished(() => channel.close())
  return told
}

test('a way to the gateway that dies without a word counts as lost, and another one is made', async () => {
  const { url, fallSilent, speakAgain, pings } = await gateway()
  const told = channelTo(url)
  await vi.waitUntil(() => pings.mock.calls.length > 1, PATIENTLY)
  fallSilent()
  await vi.waitUntil(() => told.length === 2, PATIENTLY)
  speakAgain()
  await vi.waitUntil(() => told.length === 3, PATIENTLY)
  expect(told).toEqual(['open', 'lost', 'open'])
})

test('a gateway that answers no control frames is not taken for one that is away', async () => {
  const { url, pings } = await gateway(false)
  const told = channelTo(url)
  await vi.waitUntil(() => pings.mock.calls.length > 5, PATIENTLY)
  expect(told).toEqual(['open'])
})
