/**
 * Decides who may join. A JOIN is accepted if a CHECKPOINT admitted its sender to this tunnel on this side, and if it
 * is not a replay. The answer, JOINED, is no longer than the JOIN. A repeated JOIN is answered with the same keys and
 * another nonce. Tunnels that are offered but not yet accepted use at most half of the places, so that offers cannot
 * block the others.
 */
import { openBox, sealBox } from '../../crypto/box.ts'
import type { FleetKeys } from '../../crypto/fleet.ts'
import { DIRECTION_MS, type OpenedGrant, openGrant } from '../../crypto/grant.ts'
import { sameBytes } from '../../crypto/hash.ts'
import { Random } from '../../crypto/random.ts'
import { type Address, isDiscardOnly, sameAddress, sameIp } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import {
  decodeJoin,
  decodeJoinBody,
  encodeJoined,
  encodeJoinedBody,
  type JoinBody,
  NONCE_BYTES,
  RANDOM_BYTES,
} from '../../wire/handshake.ts'
import { AddressCredit } from '../address-credit.ts'
import { ProvenLimit } from '../proven-limit.ts'
import type { Wall } from '../wall.ts'
import type { HandshakeCounters } from './events.ts'
import type { Leg, Pending } from './leg.ts'
import type { Pair } from './pair.ts'
import type { Pairs } from './pairs.ts'

/** Limits for one peer, which repeats a JOIN four times a second for each of its tunnels. */
const JOINS_PER_SECOND = 50
const JOIN_BURST = 400
/**
 * Opening a junk JOIN costs about 10 us, so this is a fifth of a core. Beyond it JOINs are dropped at random; peers
 * repeat them.
 */
const OPENED_PER_SECOND = 20_000
/** Shorter than a pair is remembered, so that a replayed JOIN is recognised. */
const FRESH_MS = 50_000
const SEED_BYTES = 32

/** A JOIN that was answered. */
export interface Admission {
  readonly pair: Pair
  readonly side: 0 | 1
  readonly pending: Pending
  /** The grant proves that the peer is at this IP, though not at this port, whether or not the answer arrives. */
  readonly isProven: boolean
}

interface Joiner {
  readonly grant: OpenedGrant
  readonly body: JoinBody
  /** The peer's index of the session. */
  readonly index: number
}

export class Door {
  fleetKeys: FleetKeys
  /** Maximum number of tunnels; 0 admits only those that are known already. */
  maxPairs: number
  readonly #pairs: Pairs
  readonly #counters: HandshakeCounters
  readonly #random: Random
  readonly #challenges: Random
  readonly #limit: ProvenLimit
  readonly #wall: Wall

  constructor(
    fleetKeys: FleetKeys,
    maxPairs: number,
    pairs: Pairs,
    counters: HandshakeCounters,
    random: Random,
    wall: Wall,
  ) {
    this.#wall = wall
    this.fleetKeys = fleetKeys
    this.maxPairs = maxPairs
    this.#pairs = pairs
    this.#counters = counters
    this.#random = random
    this.#challenges = new Random(random.bytes(SEED_BYTES))
    const rates = { openedPerSecond: OPENED_PER_SECOND, perSecond: JOINS_PER_SECOND, burst: JOIN_BURST }
    this.#limit = new ProvenLimit(rates, random)
  }

  /** Answers datagram i, a JOIN. Undefined if it was not answered. */
  admit(arrived: Batch, i: number, out: Batch, now: number): Admission | undefined {
    if (!this.#limit.mayOpen(now)) {
      this.#counters.limited++
      return undefined
    }
    const joiner = openJoin(arrived, i, this.fleetKeys, this.#wall.at(now))
    if (joiner === undefined) this.#counters.refused++
    else if (this.#isReplayed(joiner)) this.#counters.replayed++
    else if (!this.#limit.charge(joiner.grant.self, now)) this.#counters.limited++
    else return this.#admit(joiner, arrived, i, out, now)
    return undefined
  }

  /** A replayed JOIN is not charged to the peer that sent the original. */
  #isReplayed({ grant, body }: Joiner): boolean {
    return this.#pairs.get(grant.tunnel)?.legs[grant.leg]?.isSuperseded(body.random) === true
  }

  #admit(joiner: Joiner, arrived: Batch, i: number, out: Batch, now: number): Admission | undefined {
    const pair = this.#pairOf(joiner.grant, now)
    if (pair !== undefined) return this.#answer(joiner, pair, arrived, i, out, now)
    this.#counters.full++
    return undefined
  }

  #answer(joiner: Joiner, pair: Pair, arrived: Batch, i: number, out: Batch, now: number): Admission {
    const leg = pair.leg(joiner.grant)
    const known = leg.pending
    const observed = arrived.addressOf(i)
    const again = known !== undefined && isRepeat(known, joiner, observed)
    const pending = again ? known : this.#expect(joiner, pair, leg, arrived, i, now)
    pending.sentAt = now
    pending.credit.received(arrived.length[i]!)
    const joined = this.#joined(joiner, pending, observed, now)
    const isProven = wasThereJustNow(joiner.grant, observed, this.#wall.at(now))
    if (joined.length <= arrived.length[i]! && pending.credit.spend(joined.length))
      out.push(joined, observed.words, 0, arrived.socket[i])
    return { pair, side: joiner.grant.leg, pending, isProven }
  }

  #expect(joiner: Joiner, pair: Pair, leg: Leg, arrived: Batch, i: number, now: number): Pending {
    if (leg.pending?.session !== leg.session) this.#pairs.unseat(leg.pending?.session)
    const from = { address: arrived.addressOf(i), socket: arrived.socket[i]! }
    const indexes = { index: this.#pairs.freeIndex(), remoteIndex: joiner.index }
    const pending = leg.expect(
      joiner.grant,
      joiner.body,
      this.#random.bytes(RANDOM_BYTES),
      indexes,
      from,
      { challenges: this.#challenges, credit: new AddressCredit() },
      now,
    )
    this.#pairs.sit({ pair, side: joiner.grant.leg, session: pending.session })
    return pending
  }

  #joined(
    { grant, index }: Joiner,
    { session, nodeRandom }: Pending,
    observed: Address,
    now: number,
  ): Uint8Array {
    const nonce = this.#random.bytes(NONCE_BYTES)
    const body = encodeJoinedBody({ random: nodeRandom, observed, serverTime: now })
    const sealed = sealBox(grant.key, nonce, body)
    return encodeJoined({ index, nodeIndex: session.index, nonce, sealed })
  }

  #pairOf({ tunnel, leg }: OpenedGrant, now: number): Pair | undefined {
    const known = this.#pairs.get(tunnel)
    const places = leg === 0 ? this.maxPairs / 2 : this.maxPairs
    if (known !== undefined || this.#pairs.size >= places) return known
    return this.#pairs.add(tunnel, now)
  }
}

/** True if this is the same JOIN from the same address. */
function isRepeat({ random, from }: Pending, { body }: Joiner, observed: Address): boolean {
  return sameBytes(random, body.random) && sameAddress(from.words, 0, observed.words, 0)
}

/** True if the grant was given a moment ago to a peer at this IP. */
function wasThereJustNow({ from, expiresAt }: OpenedGrant, { words }: Address, wallNow: number): boolean {
  const isFresh = expiresAt - wallNow > DIRECTION_MS - FRESH_MS
  return isFresh && sameIp(from.words, 0, words, 0) && !isDiscardOnly(words)
}

/** Undefined if the grant is not from this fleet or has expired, or the JOIN was not sealed with its key. */
function openJoin(arrived: Batch, i: number, keys: FleetKeys, wallNow: number): Joiner | undefined {
  const join = decodeJoin(arrived.at(i))
  const grant = join && openGrant(keys, 'handshake', join.grant)
  if (join === undefined || grant === undefined || grant.expiresAt <= wallNow) return undefined
  const plaintext = openBox(grant.key, join.nonce, join.sealed)
  const body = plaintext && decodeJoinBody(plaintext)
  return body && { grant, body, index: join.index }
}
