/**
 * One of a pair of STUN servers that together classify the NAT of a peer (RFC 8489, RFC 5780).
 *
 * Each server has one address and two ports: socket 0 is the primary, socket 1 the alternate. A request is answered
 * from the socket it arrived on, and with CHANGE-REQUEST from the other port or from the partner's address. In the
 * latter case the finished answer is handed to the partner in a STUN_FORWARD, and the partner sends it. The partner
 * keeps no state about it, and nothing is retransmitted: the client asks again. A server without a partner omits
 * OTHER-ADDRESS and rejects a change of IP with 420, as RFC 5780 section 6 requires if CHANGE-REQUEST cannot be
 * satisfied.
 *
 * Answers go to the source address of the request, or with RESPONSE-PORT to another port of that IP, never elsewhere.
 * The amplification is limited:
 * - No answer exceeds its request by more than ANSWER_EXCESS.
 * - A request that leaves room for its answer, as our peers' requests do, is always answered: forging its source gains
 *   nothing.
 * - Longer answers have a rate limit for each address and port. A forger who does not know a client's port cannot lock
 *   it out.
 * - All longer answers share one allowance of bytes, which bounds what forging can gain.
 * - Answers that the partner hands over were charged at the partner.
 *
 * Datagrams that are no Binding request are counted and dropped.
 */
import type { FleetKeys } from '../../crypto/fleet.ts'
import { Random } from '../../crypto/random.ts'
import { ADDRESS_WORDS, type Address, isIpv4 } from '../../wire/address.ts'
import { Batch, SLOT_BYTES } from '../../wire/batch.ts'
import { ATTRIBUTE } from '../../wire/stun.ts'
import { StunRequest } from '../../wire/stun-request.ts'
import { CounterReplay } from '../counter-replay.ts'
import type { Machine } from '../machine.ts'
import { RateLimit } from '../rate-limit.ts'
import { TokenBucket } from '../token-bucket.ts'
import { Wall } from '../wall.ts'
import { type AnswerOrigin, AnswerWriter } from './answer.ts'
import { COUNTERS_PER_MS, decodeForward, encodeForward, FORWARD_ANSWER_BYTES, isForward } from './forward.ts'

/** Rate of answers longer than their requests, to one address and port: a client asks a few times. */
const LONGER_PER_SECOND = 20
const LONGER_BURST = 60
/** Bytes by which all answers together may exceed their requests: enough for 27,000 bare requests a second. */
const EXCESS_BYTES_PER_SECOND = 1_000_000
/** Size of an ERROR-CODE without a reason, and of the smallest list in a 420. */
const ERROR_EXCESS = 12
const NONCE_BYTES = 24
/** The counter runs ahead of the time if a millisecond has more forwards than counters, but never this far. */
const LONGEST_BURST_MS = 5000

/** The primary port and the alternate port of one address, as clients see them. */
export type StunPair = readonly [primary: Address, alternate: Address]

export interface StunEnds {
  readonly ipv4?: StunPair
  readonly ipv6?: StunPair
}

export interface StunServerOptions {
  /** May be set later, by an input. */
  readonly own?: StunEnds
  readonly partner?: StunEnds
  /** Newest first; the newest seals. */
  readonly fleetKeys: FleetKeys
  /** 32 bytes. */
  readonly seed: Uint8Array
  /** Rate of answers longer than their requests, to one address and port. Default 20 a second, in bursts of 60. */
  readonly longerPerSecond?: number
  /** Bytes per second by which all answers together may exceed their requests. Default 1,000,000. */
  readonly excessBytesPerSecond?: number
}

export type StunInput =
  /** The sockets are bound; `own` are their addresses as clients see them. */
  | { readonly kind: 'own'; readonly own: StunEnds }
  /** The fleet changed: another partner, or none. */
  | { readonly kind: 'partner'; readonly partner: StunEnds | undefined }
  /** Newest first. */
  | { readonly kind: 'fleet-keys'; readonly fleetKeys: FleetKeys }

export interface StunCounters {
  answered: number
  /** Answers handed to the partner. `sentForPartner`: answers sent for the partner. */
  forwarded: number
  sentForPartner: number
  refused: number
  limited: number
  malformed: number
  wrongCookie: number
  wrongFingerprint: number
  notARequest: number
  forged: number
  stale: number
  replayed: number
}

export class StunServer implements Machine<StunInput> {
  readonly wall = new Wall()
  readonly counters: StunCounters = {
    answered: 0,
    forwarded: 0,
    sentForPartner: 0,
    refused: 0,
    limited: 0,
    malformed: 0,
    wrongCookie: 0,
    wrongFingerprint: 0,
    notARequest: 0,
    forged: 0,
    stale: 0,
    replayed: 0,
  }
  #own: StunEnds
  #partner: StunEnds
  #fleetKeys: FleetKeys
  readonly #random: Random
  readonly #longer: RateLimit
  readonly #excess: TokenBucket
  /** Recognises forwards that the partner sent before. */
  #replay = new CounterReplay()
  #counter = 0
  readonly #request = new StunRequest()
  readonly #answers = new AnswerWriter()
  readonly #from: AnswerOrigin = { origin: undefined, other: undefined }
  /** Buffer for an answer that the partner will send. */
  readonly #scratch = new Batch(1)

  constructor({
    own = {},
    partner = {},
    fleetKeys,
    seed,
    longerPerSecond = LONGER_PER_SECOND,
    excessBytesPerSecond = EXCESS_BYTES_PER_SECOND,
  }: StunServerOptions) {
    this.#own = own
    this.#partner = partner
    this.#fleetKeys = fleetKeys
    this.#random = new Random(seed)
    const key = { low: this.#random.u32(), high: this.#random.u32() }
    const burst = (longerPerSecond * LONGER_BURST) / LONGER_PER_SECOND
    this.#longer = new RateLimit(key, longerPerSecond, burst, 'address-and-port')
    this.#excess = new TokenBucket(excessBytesPerSecond, excessBytesPerSecond)
  }

  receive(arrived: Batch, out: Batch, now: number): void {
    for (let i = 0; i < arrived.count; i++) {
      if (isForward(arrived.bytes, arrived.start(i))) this.#sendForPartner(arrived, i, out, now)
      else this.#answer(arrived, i, out, now)
    }
  }

  handle(input: StunInput): void {
    if (input.kind === 'own') this.#own = input.own
    else if (input.kind === 'fleet-keys') this.#fleetKeys = input.fleetKeys
    else {
      this.#partner = input.partner ?? {}
      this.#replay = new CounterReplay()
    }
  }

  tick(): void {}

  deadline(): number {
    return Number.POSITIVE_INFINITY
  }

  poll(): undefined {}

  #answer(arrived: Batch, i: number, out: Batch, now: number): void {
    const request = this.#request
    const verdict = request.read(arrived, i)
    if (verdict !== 'request') {
      this.counters[verdict]++
      return
    }
    const ipv4 = isIpv4(arrived.address, request.sourceAt)
    const own = ipv4 ? this.#own.ipv4 : this.#own.ipv6
    const partner = ipv4 ? this.#partner.ipv4 : this.#partner.ipv6
    const error = errorOf(request, partner)
    this.#speakFor(request.changeIp ? partner : own, partner)
    if (!this.#mayExceed(error === 0 ? this.#answers.excess(request, this.#from) : ERROR_EXCESS, now))
      this.counters.limited++
    else if (error !== 0) this.#refuse(out, error)
    else if (request.changeIp) this.#forward(out, partner!, now)
    else this.#succeed(out)
  }

  /** True if the answer to the current request may be this many bytes longer than the request. */
  #mayExceed(bytes: number, now: number): boolean {
    if (bytes <= 0) return true
    const { batch, sourceAt } = this.#request
    return this.#longer.take(batch.address, sourceAt, now) && this.#excess.take(bytes, now)
  }

  #succeed(out: Batch): void {
    this.#write(out, SLOT_BYTES)
    this.counters.answered++
  }

  #forward(out: Batch, partner: StunPair, now: number): void {
    const scratch = this.#scratch
    scratch.clear()
    const slot = this.#write(scratch, FORWARD_ANSWER_BYTES)
    this.#counter = nextCounter(this.#counter, this.wall.at(now))
    const forward = encodeForward(
      this.#fleetKeys[0]!,
      this.#random.bytes(NONCE_BYTES),
      partner[0],
      this.#counter,
      scratch.socket[slot]!,
      scratch.address,
      0,
      scratch.at(slot),
    )
    out.push(forward, partner[0].words)
    this.counters.forwarded++
  }

  #refuse(out: Batch, code: number): void {
    const { batch, sourceAt, slot } = this.#request
    const claimed = out.claim(batch.address, sourceAt, batch.socket[slot]!)
    this.#answers.error(this.#request, out, claimed, code)
    this.counters.refused++
  }

  #sendForPartner(arrived: Batch, i: number, out: Batch, now: number): void {
    const self = (isIpv4(arrived.address, i * ADDRESS_WORDS) ? this.#own.ipv4 : this.#own.ipv6)?.[0]
    const forward = self && decodeForward(this.#fleetKeys, arrived.at(i), self, this.wall.at(now))
    if (forward === undefined) this.counters.forged++
    else if (typeof forward === 'string') this.counters[forward]++
    else if (!this.#replay.accept(forward.counter, now)) this.counters.replayed++
    else {
      out.push(forward.answer, forward.destination, 0, forward.socket)
      this.counters.sentForPartner++
    }
  }

  /** Sets the addresses named in the answer to the current request: that of its sender, and the one at the other end. */
  #speakFor(sender: StunPair | undefined, partner: StunPair | undefined): void {
    const { batch, slot, changePort } = this.#request
    const came = batch.socket[slot]!
    this.#from.origin = sender?.[changePort ? 1 - came : came]?.words
    this.#from.other = partner?.[1 - came]?.words
  }

  /** Writes the answer into a new slot, to the source of the request or to RESPONSE-PORT there. */
  #write(out: Batch, maxBytes: number): number {
    const { batch, sourceAt, slot: asked, changePort, responsePort } = this.#request
    const came = batch.socket[asked]!
    const slot = out.claim(batch.address, sourceAt, changePort ? 1 - came : came)
    if (responsePort > 0) out.address[slot * ADDRESS_WORDS + 4] = responsePort
    this.#answers.success(this.#request, out, slot, this.#from, maxBytes)
    return slot
  }
}

/**
 * A unique counter. Only if the wall clock was set back may it repeat: the time decides then, or no forward would be
 * fresh.
 */
function nextCounter(last: number, wallNow: number): number {
  const time = Math.floor(wallNow) * COUNTERS_PER_MS
  const isAhead = last > time + LONGEST_BURST_MS * COUNTERS_PER_MS
  return isAhead ? time : Math.max(last + 1, time)
}

/** The error code, 0 if the request can be answered. RFC 5780 section 7.5 forbids RESPONSE-PORT with PADDING. */
function errorOf(request: StunRequest, partner: StunPair | undefined): number {
  if (request.isBad || (request.responsePort > 0 && request.padding >= 0)) return 400
  if (request.changeIp && partner === undefined)
    request.unknown[request.unknownCount++] = ATTRIBUTE.CHANGE_REQUEST
  return request.unknownCount > 0 ? 420 : 0
}
