/**
 * Measures one CHECKPOINT with very many sessions: memory for each, CPU time of keep-alives, of messages meanwhile, and of a
 * change of status that a network is told. The machine is driven directly and time is simulated; CPU time is real.
 */
import v8 from 'node:v8'
import { runInNewContext } from 'node:vm'
import { KEEP_ALIVE_MS } from '../../shared/core/checkpoint/assemble.ts'
import type { Session } from '../../shared/core/session/session.ts'
import { decodeMessage, decodeReceipt, encodeMessage, encodeReceipt } from '../../shared/wire/messages.ts'
import { FRAME } from '../../shared/wire/numbers.ts'
import { Crowd, NETWORK_SIZE, networkOf, peerOf, START, userOf } from './crowd.ts'

export interface MillionResult {
  readonly peers: number
  /** Memory of an idle session: heap and typed arrays after a collection of garbage. */
  readonly bytesPerSession: number
  /** CPU time of the machine to bring a peer online, without the key agreement. */
  readonly joinMicros: number
  readonly keepAlive: {
    readonly acknowledged: number
    readonly micros: number
    /** Share of a core for the keep-alives of all peers, with the leases that they renew; without sockets. */
    readonly coreShare: number
  }
  readonly messages: {
    readonly sent: number
    readonly delivered: number
    readonly receipts: number
    /** CPU time of the machine for a message and its receipt, among keep-alives: median and 99th percentile. */
    readonly microsP50: number
    readonly microsP99: number
  }
  readonly status: { readonly told: number; readonly microsPerPeer: number }
  readonly isGood: boolean
}

export interface MillionSize {
  readonly peers: number
  readonly messages: number
  readonly statuses: number
}

/** Keep-alives of one step: as many as the driver hands over together. */
const STEP = 64
/** Simulated time of keep-alives: the leases of all sessions come due once within it. */
const ROUNDS = 4
/** Peers that talk and are told news; they keep their ends of the sessions. */
const ACTIVE = 200
const BODY = new Uint8Array(300).fill(7)

interface Active {
  readonly i: number
  readonly session: Session
}

export function benchMillion(size: MillionSize, progress: (what: string) => void): MillionResult {
  const collect = collector()
  const crowd = new Crowd(size.peers + ACTIVE)
  const order = shuffled(size.peers + ACTIVE)
  const active = Array.from({ length: ACTIVE }, (_, i): Active => ({ i, session: crowd.join(START) }))
  collect()
  const before = memory()
  const joined = cpuMicros(() => {
    for (let i = 0; i < size.peers; i++) {
      crowd.join(START + Math.floor(i / 100))
      if (i % 100_000 === 99_999) progress(`${i + 1} peers are online`)
    }
  })
  const kept = keepAlives(crowd, order, START + Math.floor(size.peers / 100), progress)
  collect()
  const bytesPerSession = (memory() - before) / size.peers
  const messages = converse(crowd, active, order, kept.now, size.messages)
  const status = news(crowd, active, kept.now, size.statuses)
  const expected = ROUNDS * (size.peers + ACTIVE)
  return {
    peers: size.peers,
    bytesPerSession: Math.round(bytesPerSession),
    joinMicros: joined / size.peers,
    keepAlive: {
      acknowledged: kept.acknowledged,
      micros: kept.micros / expected,
      coreShare: ((kept.micros / expected) * size.peers) / (KEEP_ALIVE_MS * 1000),
    },
    messages,
    status,
    isGood:
      crowd.machine.sessions === size.peers + ACTIVE &&
      kept.acknowledged === expected &&
      messages.delivered === messages.sent &&
      messages.receipts === messages.sent &&
      status.told === size.statuses * (NETWORK_SIZE - 1),
  }
}

/** All peers keep alive, in a random order, spread evenly over their interval. */
function keepAlives(crowd: Crowd, order: Uint32Array, start: number, progress: (what: string) => void) {
  const steps = Math.ceil(order.length / STEP)
  let [acknowledged, now] = [0, start]
  const micros = cpuMicros(() => {
    for (let step = 0; step < ROUNDS * steps; step++) {
      now = start + Math.floor((step * KEEP_ALIVE_MS) / steps)
      const from = (step % steps) * STEP
      acknowledged += crowd.keepAlive(order, from, Math.min(from + STEP, order.length), now)
      while (crowd.machine.deadline() <= now) crowd.machine.tick(crowd.out, now)
      crowd.answer(now)
      crowd.out.clear()
    }
  })
  progress(`${acknowledged} keep-alives acknowledged`)
  return { acknowledged, micros, now }
}

/** Pairs of peers of one network send each other messages, with keep-alives of others in between. */
function converse(crowd: Crowd, active: readonly Active[], order: Uint32Array, now: number, count: number) {
  let [delivered, receipts] = [0, 0]
  const times: number[] = []
  for (let n = 0; n < count; n++) {
    const [from, to] = [active[(2 * n) % ACTIVE]!, active[(2 * n + 1) % ACTIVE]!]
    const sequence = 1 + Math.floor(n / (ACTIVE / 2))
    const message = { epoch: 1, sequence, previous: sequence - 1, previousIsStored: false, sentAt: now }
    crowd.keepAlive(
      order,
      (n * STEP) % (order.length - STEP),
      ((n * STEP) % (order.length - STEP)) + STEP,
      now,
    )
    from.session.send(FRAME.MESSAGE, encodeMessage({ peer: peerOf(to.i), ...message, body: BODY }))
    const told = crowd.carry(from.session, from.i, now)
    const read = crowd.read(to.session, told.out, now, (type, body) => {
      const arrived = type === FRAME.MESSAGE ? decodeMessage(body) : undefined
      if (arrived === undefined) return
      delivered++
      const { peer, epoch, sequence: its } = arrived
      to.session.send(FRAME.RECEIPT, encodeReceipt({ peer, epoch, sequence: its, outcome: 'delivered' }))
    })
    const answered = crowd.carry(to.session, to.i, now)
    crowd.read(from.session, answered.out, now, (type, body) => {
      if (type === FRAME.RECEIPT && decodeReceipt(body)?.outcome === 'delivered') receipts++
    })
    if (read) times.push(told.micros + answered.micros)
    if (n % ACTIVE === ACTIVE - 1) now += 1000
  }
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.floor(times.length * share)] ?? 0
  return { sent: count, delivered, receipts, microsP50: at(0.5), microsP99: at(0.99) }
}

/** The streams push changes of status, each of which the other members of a network are told. */
function news(crowd: Crowd, active: readonly Active[], now: number, count: number): MillionResult['status'] {
  let told = 0
  const micros = cpuMicros(() => {
    for (let n = 0; n < count; n++) {
      const i = n % NETWORK_SIZE
      const record = {
        ...{ peer: peerOf(i), user: userOf(i), status: 'away' as const, custom: '', metadata: { n } },
        ...{ since: now, version: n + 2, lastSeenAt: now },
      } as const
      now += 2000
      crowd.machine.handle(
        { kind: 'push', push: { kind: 'presence', record, networks: [networkOf(i)] } },
        crowd.out,
        now,
      )
      const out = crowd.taken()
      for (const { i: at, session } of active)
        crowd.read(session, out, now, (type) => {
          if (type === FRAME.PRESENCE && at !== i) told++
        })
      for (const { i: at, session } of active) crowd.exchange(session, at, now)
    }
  })
  return { told, microsPerPeer: micros / Math.max(1, told) }
}

function cpuMicros(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

function memory(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function collector(): () => void {
  v8.setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  return () => {
    collect()
    collect()
  }
}

/** The numbers below `count` in an order that no cache likes, the same each time. */
function shuffled(count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i)
  let state = 1
  for (let i = count - 1; i > 0; i--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const j = state % (i + 1)
    ;[order[i], order[j]] = [order[j]!, order[i]!]
  }
  return order
}
