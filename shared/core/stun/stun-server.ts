/**
 * One of a pair of STUN servers that together say what kind of NAT a peer is behind (RFC 8489, RFC 5780).
 *
 * Each has one address and two ports: socket 0 is the primary, socket 1 the alternate. A request is answered from the socket it
 * came by; with CHANGE-REQUEST from the other port, or from the partner's address: then the answer, ready to go, is handed to the
 * partner in a STUN_FORWARD and the partner sends it. The partner keeps nothing about it, and nothing is repeated: the client asks again.
 * A server without a partner says so by leaving OTHER-ADDRESS out, and refuses the other IP with 420, as RFC 5780 section 6
 * has it for a server that does not have what CHANGE-REQUEST asks for.
 *
 * Answers go to the address the request came from, and with RESPONSE-PORT to another port of that same IP, never elsewhere. No answer
 * exceeds its request by more than ANSWER_EXCESS. A request that leaves room for its answer, as our peers' do, is always
 * answered: whoever forges its source gains nothing. Longer answers have a rate for each address and port, so that a forger
 * who does not know the port of a client locks it out of nothing, and one allowance of bytes for everybody together, which is
 * all that can be gained by forging. What the partner hands over has been charged there. What is no Binding request is
 * counted and dropped.
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

/** Answers that are longer than their requests, to one address and port: a client asks a few times. */
const LONGER_PER_SECOND = 20
const LONGER_BURST = 60
/** Bytes by which all answers may exceed their requests: 27,000 bare requests a second. */
const EXCESS_BYTES_PER_SECOND = 1_000_000
/** ERROR-CODE without a reason, and what a 420 names at least. */
const ERROR_EXCESS = 12
const NONCE_BYTES = 24
/** More forwards than a millisecond has counters carry the counter ahead of the time, never this far. */
const LONGEST_BURST_MS = 5000

/** The primary port and the alternate port of one address, as clients see them. */
export type StunPair = readonly [primary: Address, alternate: Address]

export interface StunEnds {
  readonly ipv4?: StunPair
  readonly ipv6?: StunPair
}

export interface StunServerOptions {
  /** May come later, as an input. */
  readonly own?: StunEnds
  readonly partner?: StunEnds
  /** Newest first: it seals. */
  readonly fleetKeys: FleetKeys
  /** 32 bytes. */
  readonly seed: Uint8Array
  /** Answers longer than their requests, to one address and port. Default 20, 60 at once. */
  readonly longerPerSecond?: number
  /** By which all answers together may exceed their requests. Default 1,000,000. */
  readonly excessBytesPerSecond?: number
}

export type StunInput =
  /** The sockets are bound: what clients see them as. */
  | { readonly kind: 'own'; readonly own: StunEnds }
  /** The fleet changed: another partner, or none. */
  | { readonly kind: 'partner'; readonly partner: StunEnds | undefined }
  /** Newest first. */
  | { readonly kind: 'fleet-keys'; readonly fleetKeys: FleetKeys }

export interface StunCounters {
  answered: number
  /** Handed to the partner, and sent for it. */
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
  /** Which forwards of the partner came before. */
  #replay = new CounterReplay()
  #counter = 0
  readonly #request = new StunRequest()
  readonly #answers = new AnswerWriter()
  readonly #from: AnswerOrigin = { origin: undefined, other: undefined }
  /** Where an answer is written that the partner will send. */
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

  /** Whether the request read last may be answered with so many bytes more than it has. */
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

  /** Which addresses the answer to the request read last names: of whoever sends it, and of its other end. */
  #speakFor(sender: StunPair | undefined, partner: StunPair | undefined): void {
    const { batch, slot, changePort } = this.#request
    const came = batch.socket[slot]!
    this.#from.origin = sender?.[changePort ? 1 - came : came]?.words
    this.#from.other = partner?.[1 - came]?.words
  }

  /** The answer into a new slot, to where the request came from or to another port there. */
  #write(out: Batch, maxBytes: number): number {
    const { batch, sourceAt, slot: asked, changePort, responsePort } = this.#request
    const came = batch.socket[asked]!
    const slot = out.claim(batch.address, sourceAt, changePort ? 1 - came : came)
    if (responsePort > 0) out.address[slot * ADDRESS_WORDS + 4] = responsePort
    this.#answers.success(this.#request, out, slot, this.#from, maxBytes)
    return slot
  }
}

/** Never the same twice, unless the wall clock was set back: then the time counts, or no forward would be fresh. */
function nextCounter(last: number, wallNow: number): number {
  const time = Math.floor(wallNow) * COUNTERS_PER_MS
  const isAhead = last > time + LONGEST_BURST_MS * COUNTERS_PER_MS
  return isAhead ? time : Math.max(last + 1, time)
}

/** 0 where the request can be answered. RESPONSE-PORT with PADDING is forbidden by RFC 5780 section 7.5. */
function errorOf(request: StunRequest, partner: StunPair | undefined): number {
  if (request.isBad || (request.responsePort > 0 && request.padding >= 0)) return 400
  if (request.changeIp && partner === undefined)
    request.unknown[request.unknownCount++] = ATTRIBUTE.CHANGE_REQUEST
  return request.unknownCount > 0 ? 420 : 0
}
