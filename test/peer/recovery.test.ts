/** The view of an application while nodes fail. The test has its own system, whose nodes are replaced when they are killed. */
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type System, startSystem } from '../../local/system.ts'
import { join, type Peer, type PeerSocket } from '../../peer/index.ts'

let system: System
let peers: [Peer, Peer]

beforeAll(async () => {
  system = await startSystem({ freePorts: true })
  const { index, invite } = system
  peers = [await join({ index, invite }), await join({ index, invite })]
})
afterAll(async () => {
  await Promise.all(peers.map((peer) => peer.close()))
  await system.close()
})

/** Waits until the tables show that the other side is online, because only then do offers reach it. */
async function reachable(): Promise<[Peer, Peer]> {
  const [peer, other] = peers
  const found = async () => (await peer.find({ user: other.user }))[0]?.status
  await expect.poll(() => [peer.state, other.state], { timeout: 60_000 }).toEqual(['online', 'online'])
  await expect.poll(found, { timeout: 10_000 }).toBe('online')
  return peers
}

/** Kills a node, like a crash. */
function kill(node: { readonly pid: number }): void {
  process.kill(node.pid, 'SIGKILL')
}

async function echoes(socket: PeerSocket): Promise<boolean> {
  const back = once(socket, 'message', { signal: AbortSignal.timeout(200) })
  socket.send('are you there?')
  return back.then(
    () => true,
    () => false,
  )
}

test('a tunnel survives the death of its relay', async () => {
  const [peer, other] = await reachable()
  const accepted = once(other, 'offer').then(([offer]) => offer.accept())
  const [socket, end] = await Promise.all([peer.connect(other.peer, { paths: 'relay-only' }), accepted])
  end.on('message', (message: Buffer) => end.send(message))
  await expect.poll(() => echoes(socket)).toBe(true)
  const before = system.relays[0]!
  kill(before)
  await expect.poll(() => system.relays[0]!.pid, { timeout: 10_000 }).not.toBe(before.pid)
  await expect.poll(() => echoes(socket), { timeout: 30_000 }).toBe(true)
  socket.close()
})

test('a direct tunnel goes on without any node, and its peers come back by themselves', async () => {
  const [peer, other] = await reachable()
  const accepted = once(other, 'offer').then(([offer]) => offer.accept())
  const [socket, end] = await Promise.all([peer.connect(other.peer), accepted])
  await expect.poll(() => [socket.path, end.path], { timeout: 10_000 }).toEqual(['direct', 'direct'])
  end.on('stream', (stream: Duplex) => stream.pipe(stream))
  const stream = await socket.createStream({ name: 'long' })
  const states: string[] = []
  peer.on('state', (state, why) => states.push(why === undefined ? state : `${state}: ${why}`))

  for (const node of [...system.nodes, ...system.relays]) kill(node)
  const heard = once(other, 'message')
  const sent = peer.send(other.peer, 'did you notice?')
  stream.write('still here')
  expect((await once(stream, 'data'))[0].toString()).toBe('still here')

  expect(await sent).toMatch(/delivered|stored/)
  expect((await heard)[0].text).toBe('did you notice?')
  expect([states[0], states.at(-1)]).toEqual(['offline: lost', 'online'])
  stream.end()
  await once(stream.resume(), 'close')
  expect([socket.path, stream.errored]).toEqual(['direct', null])
  socket.close()
})
