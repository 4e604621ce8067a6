/**
 * HANDSHAKE: brings two peers to a relay at once and to a direct path if there is one (shared/wire/README.md, section 5).
 *
 * A JOIN proves by its grant that a CHECKPOINT let its sender in, so a pair costs memory only for tunnels whose peers
 * agreed. Its answer is no longer than itself; nothing else is sent to an address before a datagram under the keys of that
 * answer came from there. `door.ts` opens a JOIN, `leg.ts` tells the life of one side, `pair.ts` that of both, `attempt.ts`
 * that of one attempt; this file finds them for a datagram, and says what they have to say.
 */
import type { FleetKeys } from '../../crypto/fleet.ts'
import { type Grant, grantKey, sealGrant } from '../../crypto/grant.ts'
import { sameBytes } from '../../crypto/hash.ts'
import { Random } from '../../crypto/random.ts'
import type { FleetItem } from '../../directory.ts'
import type { NodeId, TunnelId } from '../../ids.ts'
import { ADDRESS_WORDS } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import {
  decodeProfile,
  decodeResult,
  encodeOutcome,
  encodeRelayed,
  encodeStep,
  NONCE_BYTES,
  RANDOM_BYTES,
} from '../../wire/handshake.ts'
import { FRAME, KIND, VERSION } from '../../wire/numbers.ts'
import { indexAt, SHORT_BYTES } from '../../wire/session.ts'
import type { Machine } from '../machine.ts'
import { Deadlines } from '../session/deadlines.ts'
import { Queue } from '../session/queue.ts'
import type { FrameSink, Session } from '../session/session.ts'
import { RateLimit } from '../stun/rate-limit.ts'
import type { Order } from './attempt.ts'
import { answerJoin, type Joiner, openJoin } from './door.ts'
import type { HandshakeCounters, HandshakeEffect, HandshakeInput, HandshakeOptions } from './events.ts'
import type { Leg } from './leg.ts'
import { networkPair } from './networks.ts'
import { Pair } from './pair.ts'
import { addressFor, type Relay, relaysOf } from './relays.ts'

const MAX_PAIRS = 50_000
/** As long as a tunnel may need to bind its leg again without asking for another grant. */
const RELAY_GRANT_MS = 3600_000
/** A carrier's NAT may stand before very many peers. */
const JOINS_PER_SECOND = 200
const JOIN_BURST = 400
const SIDES = [0, 1] as const

type Side = (typeof SIDES)[number]

/** Whose session it is. */
interface Seat {
  readonly pair: Pair
  readonly side: Side
  readonly session: Session
}

export class HandshakeMachine implements Machine<HandshakeInput, HandshakeEffect>, FrameSink {
  readonly counters: HandshakeCounters = {
    joins: 0,
    refused: 0,
    replayed: 0,
    limited: 0,
    full: 0,
    unknown: 0,
    unopened: 0,
    withoutRelay: 0,
    direct: {},
    relayed: {},
  }
  readonly #random: Random
  readonly #node: NodeId
  readonly #maxPairs: number
  readonly #limit: RateLimit
  readonly #pairs = new Map<TunnelId, Pair>()
  readonly #slots: (Pair | undefined)[] = []
  readonly #freeSlots: number[] = []
  /** By the index of the session, on this side. */
  readonly #seats = new Map<number, Seat>()
  readonly #deadlines = new Deadlines()
  /** Pairs that may have something to say at the end of this call. */
  readonly #touched = new Set<Pair>()
  readonly #effects = new Queue<HandshakeEffect>()
  #fleetKeys: FleetKeys
  #relays: readonly Relay[] = []
  #draining = false
  #now = 0

  constructor({ seed, fleetKeys, node, maxPairs = MAX_PAIRS }: HandshakeOptions) {
    this.#random = new Random(seed)
    this.#fleetKeys = fleetKeys
    this.#node = node
    this.#maxPairs = maxPairs
    const key = { low: this.#random.u32(), high: this.#random.u32() }
    this.#limit = new RateLimit(key, JOINS_PER_SECOND, JOIN_BURST)
  }

  /** 0 (idle) to 1 (full). */
  get load(): number {
    return this.#pairs.size / this.#maxPairs
  }

  receive(arrived: Batch, out: Batch, now: number): void {
    this.#now = now
    for (let i = 0; i < arrived.count; i++) {
      const start = arrived.start(i)
      const kind =
        arrived.bytes[start] === VERSION && arrived.length[i]! >= SHORT_BYTES ? arrived.bytes[start + 1] : 0
      if (kind === KIND.JOIN) this.#onJoin(arrived, i, out, now)
      else if (kind === KIND.SEALED) this.#onSealed(arrived, i, now)
      else this.counters.unknown++
    }
    this.#settle(out, now)
  }

  handle(input: HandshakeInput, out: Batch, now: number): void {
    this.#now = now
    switch (input.kind) {
      case 'fleet':
        this.#onFleet(input.items)
        break
      case 'fleetKeys':
        this.#fleetKeys = input.fleetKeys
        break
      case 'history':
        this.#onHistory(input)
        break
      case 'drain':
        this.#draining = true
        for (const pair of this.#pairs.values()) this.#touched.add(pair)
        if (this.#pairs.size === 0) this.#effects.put({ kind: 'drained' })
    }
    this.#settle(out, now)
  }

  tick(out: Batch, now: number): void {
    this.#now = now
    for (let slot = this.#deadlines.take(now); slot >= 0; slot = this.#deadlines.take(now))
      this.#touched.add(this.#slots[slot]!)
    this.#settle(out, now)
  }

  deadline(): number {
    return this.#deadlines.next()
  }

  poll(): HandshakeEffect | undefined {
    return this.#effects.take()
  }

  frame(session: Session, type: number, body: Uint8Array): void {
    const { pair, side } = this.#seats.get(session.index)!
    const leg = this.#confirmed(pair, side, session)
    if (type === FRAME.PROFILE) leg.profile = decodeProfile(body) ?? leg.profile
    if (type !== FRAME.RESULT) return
    const result = decodeResult(body)
    if (result !== undefined) pair.attempt?.report(side, result)
  }

  #onJoin(arrived: Batch, i: number, out: Batch, now: number): void {
    const from = i * ADDRESS_WORDS
    const joiner = this.#limit.take(arrived.address, from, now)
      ? openJoin(arrived, i, this.#fleetKeys, now)
      : 'limited'
    if (joiner === 'limited') this.counters.limited++
    else if (joiner === undefined) this.counters.refused++
    else this.#admit(joiner, arrived, i, out, now)
  }

  #admit(joiner: Joiner, arrived: Batch, i: number, out: Batch, now: number): void {
    const pair = this.#pairOf(joiner.grant.tunnel, now)
    if (pair === undefined) {
      this.counters.full++
      return
    }
    this.#touched.add(pair)
    const leg = pair.leg(joiner.grant)
    if (leg.isSuperseded(joiner.body.random)) {
      this.counters.replayed++
      return
    }
    const observed = arrived.addressOf(i)
    const again = leg.pending !== undefined && sameBytes(leg.pending.random, joiner.body.random)
    const pending = again ? leg.pending! : this.#expect(pair, leg, joiner, arrived, i, now)
    pending.sentAt = now
    const answer = answerJoin(joiner, pending, observed, this.#random, now)
    if (answer !== undefined) out.push(answer, observed.words, 0, arrived.socket[i])
  }

  #expect(pair: Pair, leg: Leg, { body, index, grant }: Joiner, arrived: Batch, i: number, now: number) {
    if (leg.pending !== undefined) this.#seats.delete(leg.pending.session.index)
    const from = { address: arrived.addressOf(i), socket: arrived.socket[i]! }
    const indexes = { index: this.#freeIndex(), remoteIndex: index }
    const pending = leg.expect(body, this.#random.bytes(RANDOM_BYTES), indexes, from, now)
    this.#seats.set(indexes.index, { pair, side: grant.leg, session: pending.session })
    return pending
  }

  #onSealed(arrived: Batch, i: number, now: number): void {
    const seat = this.#seats.get(indexAt(arrived.bytes, arrived.start(i)))
    if (seat === undefined) this.counters.unknown++
    else if (!seat.session.receive(arrived, i, now, this)) this.counters.unopened++
    else {
      this.#confirmed(seat.pair, seat.side, seat.session)
      this.#touched.add(seat.pair)
    }
  }

  /** Something opened under this session: if it was pending, the side has joined with it. */
  #confirmed(pair: Pair, side: Side, session: Session): Leg {
    const leg = pair.legs[side]!
    if (leg.pending?.session !== session) return leg
    this.counters.joins++
    if (leg.session !== undefined) this.#seats.delete(leg.session.index)
    leg.confirm(leg.pending, this.#now)
    pair.joined(side, this.#now)
    return leg
  }

  #onFleet(items: readonly FleetItem[]): void {
    const none = this.#relays.length === 0
    this.#relays = relaysOf(items, this.#node)
    if (none) for (const pair of this.#pairs.values()) this.#touched.add(pair)
  }

  #onHistory({ tunnel, technique }: Extract<HandshakeInput, { kind: 'history' }>): void {
    const pair = this.#pairs.get(tunnel)
    if (pair === undefined || technique === undefined) return
    pair.history = technique
    if (pair.attempt !== undefined) pair.attempt.history = technique
  }

  /** Says what the touched pairs have to say. */
  #settle(out: Batch, now: number): void {
    for (const pair of this.#touched) {
      this.#recall(pair)
      for (const side of SIDES) this.#tellRelay(pair, side, now)
      for (let order = pair.advance(now); order !== undefined; order = pair.advance(now))
        this.#tell(pair, order)
      for (const side of SIDES) this.#flush(pair, side, out, now)
      if (pair.isOver(now) || (this.#draining && pair.attempt?.over)) this.#forget(pair, out, now)
      else this.#deadlines.set(pair.slot, pair.deadline())
    }
    this.#touched.clear()
  }

  #recall(pair: Pair): void {
    const { sides, networks } = pair
    if (sides === undefined || networks !== undefined || pair.attempt === undefined) return
    pair.networks = networkPair(...sides.profiles)
    if (pair.networks !== undefined)
      this.#effects.put({ kind: 'recall', tunnel: pair.tunnel, pair: pair.networks })
  }

  /** As soon as a side has joined: the other one may bind its leg while this one does. */
  #tellRelay(pair: Pair, side: Side, now: number): void {
    const leg = pair.legs[side]
    if (leg?.session === undefined || leg.relayed || !leg.joined || leg.profile.paths === 'direct-only')
      return
    const relay = pair.relayFrom(this.#relays, now)
    const address = relay && addressFor(relay, { words: leg.session.address })
    if (address === undefined) {
      this.counters.withoutRelay++
      return
    }
    leg.relayed = true
    const { tunnel, self, other } = leg.grant
    const fields: Grant = { tunnel, leg: side, self, other, expiresAt: now + RELAY_GRANT_MS }
    const fleetKey = this.#fleetKeys[0]!
    const grant = sealGrant(fleetKey, 'relay', fields, this.#random.bytes(NONCE_BYTES))
    const key = grantKey(fleetKey, 'relay', fields)
    leg.session.send(FRAME.RELAYED, encodeRelayed({ relay: address, grant, key }))
  }

  #tell(pair: Pair, order: Order): void {
    for (const side of SIDES) {
      const { session } = pair.legs[side]!
      if (order.kind === 'step') session?.send(FRAME.STEP, encodeStep(order.steps[side]))
      else session?.send(FRAME.OUTCOME, encodeOutcome(order.outcome))
    }
    if (order.kind === 'outcome') this.#count(pair, order)
  }

  #count({ networks }: Pair, { outcome, technique }: Order & { kind: 'outcome' }): void {
    const { direct, relayed } = this.counters
    const { whyNotDirect } = outcome
    if (technique === undefined) relayed[whyNotDirect] = (relayed[whyNotDirect] ?? 0) + 1
    else direct[technique] = (direct[technique] ?? 0) + 1
    if (technique !== undefined && networks !== undefined)
      this.#effects.put({ kind: 'history', pair: networks, technique })
  }

  #flush(pair: Pair, side: Side, out: Batch, now: number): void {
    const leg = pair.legs[side]
    const pending = leg?.pending
    leg?.expire(now)
    if (pending !== undefined && leg?.pending === undefined) this.#seats.delete(pending.session.index)
    leg?.session?.flush(out, now)
    if (leg?.session === undefined || leg.session.state === 'open') return
    this.#seats.delete(leg.session.index)
    leg.session = undefined
    if (pair.attempt === undefined) leg.joined = false
  }

  #forget(pair: Pair, out: Batch, now: number): void {
    for (const leg of pair.legs) {
      leg?.session?.goodbye(this.#draining ? 'draining' : 'leaving')
      leg?.session?.flush(out, now)
      if (leg?.session !== undefined) this.#seats.delete(leg.session.index)
      if (leg?.pending !== undefined) this.#seats.delete(leg.pending.session.index)
    }
    this.#pairs.delete(pair.tunnel)
    this.#slots[pair.slot] = undefined
    this.#freeSlots.push(pair.slot)
    this.#deadlines.clear(pair.slot)
    if (this.#draining && this.#pairs.size === 0) this.#effects.put({ kind: 'drained' })
  }

  #pairOf(tunnel: TunnelId, now: number): Pair | undefined {
    const known = this.#pairs.get(tunnel)
    if (known !== undefined) return known
    if (this.#draining || this.#pairs.size >= this.#maxPairs) return undefined
    const slot = this.#freeSlots.pop() ?? this.#slots.length
    const pair = new Pair(tunnel, slot, now)
    this.#slots[slot] = pair
    this.#pairs.set(tunnel, pair)
    return pair
  }

  #freeIndex(): number {
    for (;;) {
      const index = this.#random.u32()
      if (!this.#seats.has(index)) return index
    }
  }
}
