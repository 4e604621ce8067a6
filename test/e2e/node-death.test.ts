/**
 * A node is killed while peers of both nodes send each other messages and tunnels are open:
 *
 * - Its peers have something to send, so they miss its acknowledgements quickly. They move to a living node, the other one or
 *   the replacement, as soon as shared/core/peer/pace.ts says.
 * - No acknowledged message is lost or delivered twice.
 * - Tunnels notice nothing, and presence updates get through.
 */
import { expect, onTestFinished, test } from 'vitest'
import type { Peer, PeerSocket } from '../../peer/index.ts'
import { DEAD_AFTER_MS } from '../../shared/core/peer/pace.ts'
import { ATTEMPT_MS } from '../../shared/core/peer/sign-in.ts'
import { FIRST_REPEAT_MS } from '../../shared/core/session/outgoing.ts'
import { heard, systemUnderTest, until } from './system-under-test.ts'

const { system, joinAt, nodeOf } = await systemUnderTest()

/** Interval of messages, below the rate limit of a node for one peer to all others together. */
const EVERY_MS = 100
/** Time until its peers are back. The dead node may be tried first. The rest is a margin for a busy machine. */
const BACK_MS = FIRST_REPEAT_MS + EVERY_MS + DEAD_AFTER_MS + ATTEMPT_MS + 3_000

/** The numbered messages of one sender to one recipient. */
class Correspondence {
  readonly received: number[] = []
  readonly #sends: Promise<unknown>[] = []
  readonly #timer: NodeJS.Timeout

  constructor(from: Peer, to: Peer) {
    to.on('message', (message) => message.from === from.peer && this.received.push(Number(message.text)))
    this.#timer = setInterval(() => this.#send(from, to), EVERY_MS)
    onTestFinished(() => clearInterval(this.#timer))
  }

  /** Stops sending. Resolves with the number of messages when all of them are acknowledged. */
  async end(): Promise<number> {
    clearInterval(this.#timer)
    await Promise.all(this.#sends)
    return this.#sends.length
  }

  #send(from: Peer, to: Peer): void {
    const sent = from.send(to.peer, `${this.#sends.length + 1}`)
    sent.catch(() => {})
    this.#sends.push(sent)
  }
}

/** Sends datagrams back and forth all the time, and measures the longest wait for one that came back. */
class Pulse {
  longestMs = 0
  #lastAt = performance.now()
  readonly #timer: NodeJS.Timeout

  constructor(socket: PeerSocket) {
    socket.on('message', () => this.#beat())
    this.#timer = setInterval(() => socket.send('beat'), EVERY_MS / 2)
    onTestFinished(() => clearInterval(this.#timer))
  }

  end(): number {
    clearInterval(this.#timer)
    this.#beat()
    return this.longestMs
  }

  #beat(): void {
    const now = performance.now()
    this.longestMs = Math.max(this.longestMs, now - this.#lastAt)
    this.#lastAt = now
  }
}

async function echoing(from: Peer, to: Peer, paths: 'direct-only' | 'relay-only'): Promise<PeerSocket> {
  to.once('offer', async (offer) => {
    const socket = await offer.accept()
    socket.on('message', (bytes) => socket.send(bytes))
  })
  return from.connect(to.peer, { paths })
}

test('peers of a node that dies are back at once, and lose no message and no tunnel', async () => {
  const doomed = await Promise.all([joinAt(0), joinAt(0)])
  const safe = await Promise.all([joinAt(1), joinAt(1)])
  const peers = [...doomed, ...safe]
  const pulses = [
    new Pulse(await echoing(doomed[0], safe[0], 'direct-only')),
    new Pulse(await echoing(doomed[1], safe[1], 'relay-only')),
  ]
  const all = peers.flatMap((from) =>
    peers.filter((to) => to !== from).map((to) => new Correspondence(from, to)),
  )
  await until(() => all.every(({ received }) => received.length >= 5))

  const back = doomed.map((peer) => heard(peer, 'state', (state) => state === 'online'))
  const interruptions: unknown[] = []
  for (const peer of safe) peer.on('state', (...change) => interruptions.push(change))
  const dead = system.nodes[0]!.node
  const killedAt = performance.now()
  process.kill(system.nodes[0]!.pid, 'SIGKILL')
  await Promise.all(back)
  expect(performance.now() - killedAt).toBeLessThan(BACK_MS)

  const before = all.map(({ received }) => received.length)
  await until(() => all.every(({ received }, i) => received.length >= before[i]! + 5))
  const sent = await Promise.all(all.map((each) => each.end()))
  await until(() => all.every(({ received }, i) => received.length >= sent[i]!))
  for (const [i, { received }] of all.entries())
    expect(received).toEqual(Array.from({ length: sent[i]! }, (_, n) => n + 1))
  for (const pulse of pulses) expect(pulse.end()).toBeLessThan(DEAD_AFTER_MS)
  const news = safe.map((peer) => heard(peer, 'presence', (record) => record.custom === 'survived'))
  doomed[0].status('busy', { custom: 'survived' })
  await Promise.all(news)
  for (const peer of safe) expect(await nodeOf(peer.peer)).toBe(system.nodes[1]!.node)
  for (const peer of doomed) expect([dead, undefined]).not.toContain(await nodeOf(peer.peer))
  expect(interruptions).toEqual([])
  expect(peers.map(({ udpBlocked }) => udpBlocked)).toEqual([false, false, false, false])
})
