/**
 * HANDSHAKE: brings two peers to a relay immediately, and to a direct path if there is one (shared/wire/README.md,
 * section 5).
 *
 * The grant in a JOIN proves that a CHECKPOINT admitted its sender, so memory is spent only on tunnels that a
 * CHECKPOINT knows. The answer is no longer than the JOIN. Nothing else is sent to an address until a datagram sealed
 * with the keys of that answer has come from it.
 *
 * `door.ts` opens a JOIN, `leg.ts` holds the state of one side, `pair.ts` that of both, `attempt.ts` that of one
 * attempt. This file finds them for a datagram and sends their orders.
 */
import { Random } from '../../crypto/random.ts'
import type { Batch } from '../../wire/batch.ts'
import { decodeProfile, decodeResult, encodeOutcome, encodeStep } from '../../wire/handshake.ts'
import { FRAME, KIND, VERSION } from '../../wire/numbers.ts'
import { indexAt, SHORT_BYTES } from '../../wire/session.ts'
import type { Machine } from '../machine.ts'
import { Queue } from '../session/queue.ts'
import type { FrameSink, Session } from '../session/session.ts'
import { Wall } from '../wall.ts'
import type { Order } from './attempt.ts'
import { type Admission, Door } from './door.ts'
import {
  type HandshakeCounters,
  type HandshakeEffect,
  type HandshakeInput,
  type HandshakeOptions,
  noCounts,
} from './events.ts'
import { Invitations } from './invitations.ts'
import type { Leg, Pending } from './leg.ts'
import { networkPair } from './networks.ts'
import { countOutcome } from './outcome-counts.ts'
import type { Pair } from './pair.ts'
import { Pairs, SIDES, type Side } from './pairs.ts'

const MAX_PAIRS = 50_000
const never = Number.POSITIVE_INFINITY

export class HandshakeMachine implements Machine<HandshakeInput, HandshakeEffect>, FrameSink {
  readonly counters: HandshakeCounters = noCounts()
  readonly wall = new Wall()
  readonly #invitations: Invitations
  readonly #maxPairs: number
  readonly #pairs: Pairs
  readonly #door: Door
  /** Pairs that may have something to send at the end of this call. */
  readonly #touched = new Set<Pair>()
  readonly #effects = new Queue<HandshakeEffect>()
  /** Time at which draining ends; Infinity while new tunnels are accepted. */
  #drainedAt = never
  #now = 0

  constructor({ seed, fleetKeys, node, maxPairs = MAX_PAIRS }: HandshakeOptions) {
    const random = new Random(seed)
    this.#pairs = new Pairs(random.fork('indexes'))
    this.#door = new Door(fleetKeys, maxPairs, this.#pairs, this.counters, random.fork('door'), this.wall)
    this.#invitations = new Invitations({
      node,
      random,
      fleetKey: () => this.#door.fleetKeys[0]!,
      wallAt: (now) => this.wall.at(now),
      missing: () => {
        this.counters.withoutRelay++
        this.#effects.put({ kind: 'lookForNodes' })
      },
    })
    this.#maxPairs = maxPairs
  }

  /** 0 (idle) to 1 (full, or draining). */
  get load(): number {
    return this.#draining ? 1 : this.#pairs.size / this.#maxPairs
  }

  receive(arrived: Batch, out: Batch, now: number): void {
    this.#now = now
    for (let i = 0; i < arrived.count; i++) {
      const kind = kindOf(arrived, i)
      if (kind === KIND.JOIN) this.#admitted(this.#door.admit(arrived, i, out, now))
      else if (kind === KIND.SEALED) this.#onSealed(arrived, i, now)
      else this.counters.unknown++
    }
    this.#settle(out, now)
  }

  handle(input: HandshakeInput, out: Batch, now: number): void {
    this.#now = now
    switch (input.kind) {
      case 'fleet':
        for (const pair of this.#invitations.setFleet(input.items)) this.#touch(pair)
        break
      case 'fleetKeys':
        this.#door.fleetKeys = input.fleetKeys
        break
      case 'history':
        if (input.technique !== undefined) this.#pairs.get(input.tunnel)?.remember(input.technique)
        break
      case 'drain':
        this.#drain(input.until)
    }
    this.#settle(out, now)
  }

  tick(out: Batch, now: number): void {
    this.#now = now
    for (let pair = this.#pairs.takeDue(now); pair !== undefined; pair = this.#pairs.takeDue(now))
      this.#touch(pair)
    if (now >= this.#drainedAt) for (const pair of [...this.#pairs]) this.#forget(pair, out, now)
    this.#settle(out, now)
  }

  deadline(): number {
    return this.#pairs.size === 0 ? never : Math.min(this.#pairs.deadline(), this.#drainedAt)
  }

  poll(): HandshakeEffect | undefined {
    return this.#effects.take()
  }

  /** Handles a frame that a side sent in its session. */
  frame(session: Session, type: number, body: Uint8Array): void {
    const { pair, side } = this.#pairs.seat(session.index)!
    const leg = this.#confirmed(pair, side, session)
    if (type === FRAME.PROFILE) leg.learn(decodeProfile(body) ?? leg.profile)
    if (type !== FRAME.RESULT) return
    const result = decodeResult(body)
    if (result !== undefined) pair.attempt?.report(side, result)
  }

  get #draining(): boolean {
    return this.#drainedAt !== never
  }

  #touch(pair: Pair | undefined): void {
    if (pair !== undefined) this.#touched.add(pair)
  }

  #admitted(admission: Admission | undefined): void {
    if (admission === undefined) return
    const { pair, side, pending, isProven } = admission
    this.#touch(pair)
    if (isProven) this.#seat(pair, side, pending)
  }

  #onSealed(arrived: Batch, i: number, now: number): void {
    const seat = this.#pairs.seat(indexAt(arrived.bytes, arrived.start(i)))
    if (seat === undefined) this.counters.unknown++
    else if (!seat.session.receive(arrived, i, now, this)) this.counters.unopened++
    else {
      this.#confirmed(seat.pair, seat.side, seat.session)
      this.#touch(seat.pair)
    }
  }

  /** A datagram of this session was opened: if the session was pending, the side has joined with it. */
  #confirmed(pair: Pair, side: Side, session: Session): Leg {
    const leg = pair.legs[side]!
    if (leg.pending?.session !== session) return leg
    this.#seat(pair, side, leg.pending)
    leg.confirm(leg.pending, this.#now)
    return leg
  }

  /** Records that the side has joined; once for each session. */
  #seat(pair: Pair, side: Side, pending: Pending): void {
    const leg = pair.legs[side]!
    if (leg.session === pending.session) return
    this.counters.joins++
    this.#pairs.unseat(leg.session)
    leg.seat(pending)
    pair.joined(side, this.#now)
  }

  #drain(until: number): void {
    this.#drainedAt = until
    this.#door.maxPairs = 0
    for (const pair of this.#pairs) this.#touch(pair)
    if (this.#pairs.size === 0) this.#effects.put({ kind: 'drained' })
  }

  /** Sends what the touched pairs have to send. */
  #settle(out: Batch, now: number): void {
    for (const pair of this.#touched) {
      if (pair.hearsClose()) pair.dismiss()
      else this.#lead(pair, now)
      for (const leg of pair.legs) if (leg !== undefined) this.#flush(pair, leg, out, now)
      if (pair.isOver(now) || (this.#draining && pair.isSettled)) this.#forget(pair, out, now)
      else this.#pairs.schedule(pair)
    }
    this.#touched.clear()
  }

  #lead(pair: Pair, now: number): void {
    this.#recall(pair)
    this.#invitations.invite(pair, now)
    for (let order = pair.advance(now); order !== undefined; order = pair.advance(now))
      this.#tell(pair, order)
  }

  #recall(pair: Pair): void {
    const { sides, networks } = pair
    if (sides === undefined || networks !== undefined || pair.attempt === undefined) return
    pair.networks = networkPair(...sides.profiles)
    if (pair.networks !== undefined)
      this.#effects.put({ kind: 'recall', tunnel: pair.tunnel, pair: pair.networks })
  }

  #tell(pair: Pair, order: Order): void {
    for (const side of SIDES) {
      const session = pair.legs[side]?.session
      const step = order.kind === 'step' ? order.steps[side] : undefined
      if (order.kind === 'outcome') session?.send(FRAME.OUTCOME, encodeOutcome(order.outcome))
      else if (step !== undefined) session?.send(FRAME.STEP, encodeStep(step))
    }
    if (order.kind !== 'outcome') return
    countOutcome(this.counters, pair, order)
    const { technique } = order
    if (technique !== undefined && pair.networks !== undefined)
      this.#effects.put({ kind: 'history', pair: pair.networks, technique })
  }

  #flush(pair: Pair, leg: Leg, out: Batch, now: number): void {
    const expired = leg.expired(now)?.session
    this.#pairs.unseat(expired)
    leg.session?.flush(out, now)
    if (leg.session === undefined || (leg.session !== expired && leg.session.state === 'open')) return
    this.#pairs.unseat(leg.session)
    pair.left(leg)
  }

  #forget(pair: Pair, out: Batch, now: number): void {
    for (const leg of pair.legs) {
      leg?.session?.goodbye(this.#draining ? 'draining' : 'leaving')
      leg?.session?.flush(out, now)
    }
    this.#pairs.remove(pair)
    this.#invitations.forget(pair)
    if (this.#draining && this.#pairs.size === 0) this.#effects.put({ kind: 'drained' })
  }
}

/** The kind of a datagram; 0 if it is not one of this protocol. */
function kindOf(arrived: Batch, i: number): number {
  const start = arrived.start(i)
  const ours = arrived.length[i]! >= SHORT_BYTES && arrived.bytes[start] === VERSION
  return ours ? arrived.bytes[start + 1]! : 0
}
