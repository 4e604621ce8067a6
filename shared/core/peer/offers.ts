/**
 * Offers in both directions (wire README, section 3): how two peers agree on a tunnel. Offer and answer contain a Noise
 * IK handshake between the peers, so no node can read them or impersonate a peer.
 *
 * Our offers are retransmitted after 0.5 and 1 s, then every 2 s, until they are answered or withdrawn. An offer that
 * arrives is shown to the application once. Its retransmissions get the same answer, for three minutes. An offer that was
 * sent more than two minutes ago, by its own timestamp, is a replay and is dropped.
 */
import type { Identity } from '../../crypto/identity.ts'
import { staticPublicOf } from '../../crypto/identity.ts'
import { type Initiation, initiate, type Request, respond } from '../../crypto/noise.ts'
import type { Random } from '../../crypto/random.ts'
import { canMix } from '../../crypto/rekey.ts'
import { type PeerId, publicKeyOf, type TunnelId } from '../../ids.ts'
import { ADDRESS_WORDS, type Address, NOWHERE, PORT_WORD } from '../../wire/address.ts'
import {
  type Answer,
  type Direction,
  decodeAnswerPayload,
  decodeOfferPayload,
  encodeAnswerPayload,
  encodeOfferPayload,
  type FinalOutcome,
  type Foreseen,
  type Offer,
  type TunnelTerms,
  tunnelPrologue,
} from '../../wire/offers.ts'
import type { Mixing } from '../tunnel/security.ts'
import type { Agreement, PeerEffect } from './events.ts'

const REPEATS_MS = [500, 1000, 2000]
/** Delay before an offer is sent again that a node refused for now. */
const POSTPONE_MS = 1000
const FRESH_MS = 120_000
const REMEMBER_MS = 60_000
/** Maximum number of undecided offers; further ones are not shown. */
const MAX_WAITING = 64

interface OwnOffer {
  readonly peer: PeerId
  readonly terms: TunnelTerms
  readonly port: number
  readonly initiation: Initiation
  repeats: number
  dueAt: number
  rings: boolean
}

interface HeardOffer {
  readonly peer: PeerId
  readonly request: Request
  readonly direction: Direction
  readonly expected: Address
  readonly terms: TunnelTerms
  readonly mixing: Mixing
  readonly until: number
  /** Set when the application has decided. */
  answer?: Answer
}

export interface OfferOptions {
  readonly tunnel: TunnelId
  readonly to: PeerId
  readonly intent: string
  readonly terms: TunnelTerms
  readonly foreseen: Foreseen
  /** Epoch milliseconds by the node's clock. */
  readonly sentAt: number
}

export class Offers {
  readonly #identity: Identity
  readonly #random: Random
  readonly #kem: boolean
  readonly #own = new Map<TunnelId, OwnOffer>()
  readonly #heard = new Map<TunnelId, HeardOffer>()

  /** `kem`: whether this side says that it has ML-KEM. */
  constructor(identity: Identity, random: Random, kem = canMix) {
    this.#identity = identity
    this.#random = random
    this.#kem = kem
  }

  /** False if the id of `to` contains no valid key. */
  offer({ tunnel, to, intent, terms, foreseen, sentAt }: OfferOptions): boolean {
    const remotePublic = staticPublicOf(publicKeyOf(to))
    const initiation =
      remotePublic &&
      initiate({
        prologue: tunnelPrologue(tunnel),
        self: this.#keys(),
        remotePublic,
        ephemeralSeed: this.#random.bytes(32),
        payload: encodeOfferPayload({
          ...{ ...terms, intent, sentAt },
          ...{ forgiving: foreseen.forgiving, kem: this.#kem },
        }),
      })
    if (initiation === undefined) return false
    const { port } = foreseen
    this.#own.set(tunnel, { peer: to, terms, port, initiation, repeats: 0, dueAt: 0, rings: false })
    return true
  }

  /** True for an offer of ours that has no answer yet. */
  isOpen(tunnel: TunnelId): boolean {
    return this.#own.has(tunnel)
  }

  withdraw(tunnel: TunnelId): void {
    this.#own.delete(tunnel)
  }

  /** Passes the offers that are due to `take`, until it returns false. */
  send(now: number, take: (offer: Offer) => boolean): void {
    for (const [tunnel, own] of this.#own) {
      if (own.dueAt > now) continue
      if (!take({ tunnel, peer: own.peer, noise: own.initiation.message, expected: portOnly(own.port) }))
        return
      own.dueAt = now + REPEATS_MS[Math.min(own.repeats++, REPEATS_MS.length - 1)]!
    }
  }

  deadline(): number {
    let least = Number.POSITIVE_INFINITY
    for (const { dueAt } of this.#own.values()) least = Math.min(least, dueAt)
    return least
  }

  /** A new session sends unanswered offers again immediately. */
  restart(): void {
    for (const own of this.#own.values()) own.dueAt = 0
  }

  /** The event that an answer to one of our offers causes; undefined if there is none. */
  takeAnswer(
    { tunnel, peer, outcome, noise, expected, direction }: Answer,
    now: number,
  ): PeerEffect | undefined {
    const own = this.#own.get(tunnel)
    if (own === undefined || own.peer !== peer) return undefined
    if (outcome === 'rateLimited') {
      own.dueAt = now + POSTPONE_MS
      return undefined
    }
    if (outcome === 'ringing') return ringing(tunnel, own, direction)
    const fromPeer = outcome === 'accepted' || outcome === 'refused'
    const completed = fromPeer ? own.initiation.complete(noise) : undefined
    const payload = completed && decodeAnswerPayload(completed.payload)
    if (fromPeer && payload === undefined) return undefined
    this.#own.delete(tunnel)
    if (outcome !== 'accepted') return refusal(tunnel, outcome, payload?.reason ?? '')
    const terms = agreedTerms(payload!, own.terms)
    if (direction === undefined || terms === undefined) return refusal(tunnel, 'unavailable', '')
    const mixing = mixingOf(this.#kem, payload!.kem)
    return {
      kind: 'agreed',
      agreement: { tunnel, peer, leg: 0, keys: completed!.keys, direction, expected, terms, mixing },
    }
  }

  /** Returns an offer to show, an answer to send again, or nothing. `now`: by the node's clock. */
  takeOffer(
    { tunnel, peer, noise, expected, direction }: Offer,
    now: number,
  ): PeerEffect | Answer | undefined {
    this.#forget(now)
    const known = this.#heard.get(tunnel)
    if (known !== undefined) return known.peer === peer ? known.answer : undefined
    const request = respond({ prologue: tunnelPrologue(tunnel), self: this.#keys() }, noise)
    const payload = request && decodeOfferPayload(request.payload)
    if (request === undefined || payload === undefined || direction === undefined) return undefined
    const isPeers = sameKey(request.remotePublic, staticPublicOf(publicKeyOf(peer)))
    if (!isPeers || Math.abs(now - payload.sentAt) > FRESH_MS || this.#waiting() >= MAX_WAITING)
      return undefined
    const { clear, paths, intent, forgiving, kem } = payload
    const terms = { clear, paths }
    this.#heard.set(tunnel, {
      peer,
      request,
      direction,
      expected: forgiving ? expected : NOWHERE,
      terms,
      mixing: mixingOf(this.#kem, kem),
      until: now + FRESH_MS + REMEMBER_MS,
    })
    return { kind: 'offer', tunnel, from: peer, intent, terms, expected, forgiving }
  }

  /** Undefined if nobody offered that tunnel, or it was decided before. */
  accept(
    tunnel: TunnelId,
    own: TunnelTerms,
    port: number,
  ): { answer: Answer; agreement?: Agreement } | undefined {
    const heard = this.#undecided(tunnel)
    if (heard === undefined) return undefined
    const terms = agreedTerms(heard.terms, own)
    if (terms === undefined) return { answer: this.#decide(tunnel, heard, 'refused', own, 'paths', 0).answer }
    const seenAt = terms.paths === 'relay-only' ? 0 : port
    const { answer, keys } = this.#decide(tunnel, heard, 'accepted', terms, '', seenAt)
    const { peer, direction, expected, mixing } = heard
    return { answer, agreement: { tunnel, peer, leg: 1, keys, direction, expected, terms, mixing } }
  }

  refuse(tunnel: TunnelId, reason: string): Answer | undefined {
    const heard = this.#undecided(tunnel)
    return heard && this.#decide(tunnel, heard, 'refused', heard.terms, reason, 0).answer
  }

  #decide(
    tunnel: TunnelId,
    heard: HeardOffer,
    outcome: FinalOutcome,
    terms: TunnelTerms,
    reason: string,
    port: number,
  ) {
    const payload = encodeAnswerPayload({ ...terms, reason, kem: this.#kem })
    const { message, keys } = heard.request.answer(payload, this.#random.bytes(32))
    heard.answer = { tunnel, peer: heard.peer, outcome, noise: message, expected: portOnly(port) }
    return { answer: heard.answer, keys }
  }

  #undecided(tunnel: TunnelId): HeardOffer | undefined {
    const heard = this.#heard.get(tunnel)
    return heard?.answer === undefined ? heard : undefined
  }

  #waiting(): number {
    let count = 0
    for (const { answer } of this.#heard.values()) if (answer === undefined) count++
    return count
  }

  #forget(now: number): void {
    for (const [tunnel, { until }] of this.#heard) if (until <= now) this.#heard.delete(tunnel)
  }

  #keys() {
    return { publicKey: this.#identity.staticPublic, secretKey: this.#identity.staticSecret }
  }
}

/** An address without an IP: the node adds it. */
function portOnly(port: number): Address {
  const words = new Uint32Array(ADDRESS_WORDS)
  words[PORT_WORD] = port
  return { words }
}

/** The event is emitted once for each offer. */
function ringing(tunnel: TunnelId, own: OwnOffer, direction: Direction | undefined): PeerEffect | undefined {
  if (own.rings || direction === undefined) return undefined
  own.rings = true
  return { kind: 'ringing', tunnel, direction }
}

const refusal = (tunnel: TunnelId, outcome: FinalOutcome, reason: string): PeerEffect => ({
  kind: 'refused',
  tunnel,
  outcome,
  reason,
})

/**
 * The terms that both sides accept: unencrypted only if both want it, and the stricter choice of paths. Undefined if
 * the choices contradict each other.
 */
function agreedTerms(theirs: TunnelTerms, ours: TunnelTerms): TunnelTerms | undefined {
  const clear = theirs.clear && ours.clear
  if (theirs.paths === ours.paths || ours.paths === 'auto') return { clear, paths: theirs.paths }
  return theirs.paths === 'auto' ? { clear, paths: ours.paths } : undefined
}

/** Both sides come to the same result, as each has authenticated what it says. */
function mixingOf(here: boolean, there: boolean): Mixing {
  if (!here) return 'not-here'
  return there ? 'agreed' : 'not-there'
}

function sameKey(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && a.every((byte, i) => byte === b[i])
}
