/**
 * Offers of tunnels and their answers (wire README, section 3).
 *
 * The offering peer's node checks that the two are related, chooses the HANDSHAKE, and passes the offer on; the other
 * peer's node checks that it does not block the first, and gives it the offer and the direction to the HANDSHAKE. The
 * offering peer gets its direction with an acceptance: so nobody learns of a peer that did not accept. A node answers by
 * itself only when the offer cannot come to anything. Both ends repeat; here an offer is remembered for a minute, so that
 * an answer goes only to who made the offer.
 *
 * To offers an invisible peer is offline, but for the devices of its own user.
 */
import { grantKey, sealGrant } from '../../crypto/grant.ts'
import type { Random } from '../../crypto/random.ts'
import type { NodeId, PeerId, TunnelId } from '../../ids.ts'
import {
  type Between,
  encodeForwardedAnswer,
  encodeForwardedOffer,
  encodeForwardedRejoin,
  type ForwardedAnswer,
  type ForwardedOffer,
  type ForwardedRejoin,
} from '../../wire/node.ts'
import { FRAME } from '../../wire/numbers.ts'
import {
  type Answer,
  type AnswerOutcome,
  type Direction,
  encodeAnswer,
  encodeOffer,
  encodeRejoin,
  type Leg,
  type Offer,
  type Rejoin,
} from '../../wire/offers.ts'
import { DelayLine } from '../session/delay-line.ts'
import type { CheckpointCounters } from './counters.ts'
import type { FleetView } from './fleet-view.ts'
import type { Locator } from './locator.ts'
import type { NodeLinks } from './node-links.ts'
import { areRelated, type PeerSession, takeAllowance } from './peer-session.ts'
import type { Roster } from './roster.ts'
import type { SessionTable } from './session-table.ts'

/** An offer costs its recipient attention. */
const COST = 2
const REMEMBERED_MS = 60_000
const REMEMBERED = 100_000
/** How long a direction lets its holder join; a tunnel that needs the HANDSHAKE later asks for another (REJOIN). */
const GRANT_MS = 10 * 60_000
const NONCE_BYTES = 24
const NOTHING = new Uint8Array(0)

interface Remembered extends Between {
  /** The node of the offering peer. */
  readonly origin: NodeId
  readonly handshake: NodeId
}

export interface OffersOptions {
  readonly node: NodeId
  readonly fleetKey: Uint8Array
  readonly random: Random
  readonly fleet: FleetView
  readonly table: SessionTable
  readonly roster: Roster
  readonly locator: Locator
  readonly links: NodeLinks
  readonly counters: CheckpointCounters
}

export class Offers {
  /** Seals grants. */
  fleetKey: Uint8Array
  readonly #options: OffersOptions
  /** Offers that passed here: those of peers here and those to peers here. */
  readonly #remembered = new Map<string, Remembered>()
  readonly #forgetting = new DelayLine<string>(REMEMBERED_MS)

  constructor(options: OffersOptions) {
    this.#options = options
    this.fleetKey = options.fleetKey
  }

  /** An offer of a peer that is signed in here. */
  submit(from: PeerSession, { tunnel, peer, noise }: Offer, now: number): void {
    const { fleet, counters, node } = this.#options
    const handshake = fleet.handshakeFor(tunnel, now)
    const refuse = (outcome: AnswerOutcome) => this.#show(from, { tunnel, peer, outcome, noise: NOTHING })
    counters.offers++
    if (!takeAllowance(from, COST, now)) refuse('policy')
    else if (handshake === undefined) refuse('unavailable')
    else
      this.#find(from, peer, refuse, now, (where, at) => {
        const offer = { to: peer, from: from.peer, tunnel, noise, handshake }
        this.#remember(madeKey(from.peer, tunnel), { ...offer, origin: node }, at)
        if (where === node) this.arrive(node, offer, at)
        else this.#options.links.send(where, FRAME.FORWARD_OFFER, encodeForwardedOffer(offer))
      })
  }

  /** An offer to a peer that is signed in here. */
  arrive(origin: NodeId, offer: ForwardedOffer, now: number): void {
    const to = this.#options.roster.get(offer.to)
    const answer = (outcome: AnswerOutcome) =>
      this.#answerTo(origin, { ...offer, to: offer.from, from: offer.to, outcome, noise: NOTHING }, now)
    if (to === undefined) answer('offline')
    else
      this.#unlessBlocked(to, offer, now, (outcome, at) => {
        if (outcome !== undefined) answer(outcome)
        else if (!this.#handOver(to, origin, offer, at)) answer('unavailable')
      })
  }

  /** The answer of a peer that is signed in here. */
  answer(from: PeerSession, { tunnel, peer, outcome, noise }: Answer, now: number): void {
    const offer = this.#remembered.get(receivedKey(from.peer, tunnel))
    if (offer?.from !== peer) return
    const { origin, handshake } = offer
    this.#answerTo(origin, { to: peer, from: from.peer, tunnel, outcome, noise, handshake }, now)
  }

  /** The answer to an offer of a peer that is signed in here. */
  answered({ to, from, tunnel, outcome, noise, handshake }: ForwardedAnswer, now: number): void {
    const offer = this.#remembered.get(madeKey(to, tunnel))
    const here = this.#options.roster.get(to)
    if (here === undefined || offer?.to !== from) return
    const answer = { tunnel, peer: from, outcome, noise }
    const direction =
      outcome === 'accepted' ? this.#direct(tunnel, 0, here.peer, from, handshake, now) : undefined
    if (outcome !== 'accepted') this.#show(here, answer)
    else if (direction !== undefined) this.#show(here, { ...answer, direction })
    else this.#show(here, { ...answer, outcome: 'unavailable', noise: NOTHING })
  }

  /** A peer here needs the HANDSHAKE again: both sides get a new direction. */
  rejoin(from: PeerSession, { tunnel, peer, leg }: Rejoin, now: number): void {
    const { fleet, node, links } = this.#options
    const handshake = fleet.handshakeFor(tunnel, now)
    if (handshake === undefined || !takeAllowance(from, COST, now)) return
    this.#find(
      from,
      peer,
      () => {},
      now,
      (where, at) => {
        const rejoin = { to: peer, from: from.peer, tunnel, leg, handshake }
        this.#lead(from, peer, tunnel, leg, handshake, at)
        if (where === node) this.rejoined(rejoin, at)
        else links.send(where, FRAME.FORWARD_REJOIN, encodeForwardedRejoin(rejoin))
      },
    )
  }

  /** The other side of a tunnel of a peer here goes to the HANDSHAKE again. */
  rejoined(rejoin: ForwardedRejoin, now: number): void {
    const to = this.#options.roster.get(rejoin.to)
    if (to === undefined) return
    const { from, tunnel, leg, handshake } = rejoin
    this.#unlessBlocked(to, rejoin, now, (outcome, at) => {
      if (outcome === undefined) this.#lead(to, from, tunnel, leg === 0 ? 1 : 0, handshake, at)
    })
  }

  tick(now: number): void {
    for (let key = this.#forgetting.take(now); key !== undefined; key = this.#forgetting.take(now)) {
      this.#remembered.delete(key)
    }
  }

  deadline(): number {
    return this.#forgetting.deadline()
  }

  /** The node where a related peer is signed in. */
  #find(
    from: PeerSession,
    peer: PeerId,
    refuse: (outcome: AnswerOutcome) => void,
    now: number,
    found: (where: NodeId, now: number) => void,
  ): void {
    const { roster, locator, node } = this.#options
    const here = roster.get(peer)
    if (here !== undefined && areRelated(from, here)) {
      found(node, now)
      return
    }
    locator.locate(
      peer,
      (where, at) => {
        if (where === 'failed') return
        if (where === undefined || !areRelated(from, where)) refuse('unknownPeer')
        else if (where.node === undefined) refuse('offline')
        else found(where.node, at)
      },
      now,
    )
  }

  /** Says why the peer does not take it from that one, or nothing where it does. */
  #unlessBlocked(
    to: PeerSession,
    { from }: Between,
    now: number,
    then: (outcome: AnswerOutcome | undefined, now: number) => void,
  ): void {
    const isHidden = to.status.status === 'invisible'
    if (to.blocks.includes(from)) then('blocked', now)
    else if (!isHidden && !to.blocks.some((one) => one.startsWith('u_'))) then(undefined, now)
    else
      this.#options.locator.locate(
        from,
        (where, at) => {
          if (where === undefined || where === 'failed') return
          if (to.blocks.includes(where.user)) then('blocked', at)
          else then(isHidden && where.user !== to.user ? 'offline' : undefined, at)
        },
        now,
      )
  }

  /** False where there is no way to the HANDSHAKE. */
  #handOver(to: PeerSession, origin: NodeId, offer: ForwardedOffer, now: number): boolean {
    const { from, tunnel, noise, handshake } = offer
    const direction = this.#direct(tunnel, 1, to.peer, from, handshake, now)
    if (direction === undefined) return false
    this.#remember(receivedKey(to.peer, tunnel), { to: to.peer, from, origin, handshake }, now)
    this.#options.table.send(to, FRAME.OFFER, encodeOffer({ tunnel, peer: from, noise, direction }))
    return true
  }

  #answerTo(origin: NodeId, answer: ForwardedAnswer, now: number): void {
    if (origin === this.#options.node) this.answered(answer, now)
    else this.#options.links.send(origin, FRAME.FORWARD_ANSWER, encodeForwardedAnswer(answer))
  }

  #show(to: PeerSession, answer: Answer): void {
    this.#options.table.send(to, FRAME.ANSWER, encodeAnswer(answer))
  }

  #lead(to: PeerSession, peer: PeerId, tunnel: TunnelId, leg: Leg, handshake: NodeId, now: number): void {
    const direction = this.#direct(tunnel, leg, to.peer, peer, handshake, now)
    if (direction !== undefined)
      this.#options.table.send(to, FRAME.REJOIN, encodeRejoin({ tunnel, peer, leg, direction }))
  }

  #direct(
    tunnel: TunnelId,
    leg: Leg,
    self: PeerId,
    other: PeerId,
    handshake: NodeId,
    now: number,
  ): Direction | undefined {
    const { fleet, random } = this.#options
    const addresses = fleet.handshakeOf(handshake)
    if (addresses.length === 0) return undefined
    const grant = { tunnel, leg, self, other, expiresAt: now + GRANT_MS }
    return {
      handshake: addresses,
      key: grantKey(this.fleetKey, 'handshake', grant),
      grant: sealGrant(this.fleetKey, 'handshake', grant, random.bytes(NONCE_BYTES)),
    }
  }

  #remember(key: string, offer: Remembered, now: number): void {
    if (!this.#remembered.has(key)) this.#forgetting.put(key, now)
    this.#remembered.set(key, offer)
    if (this.#remembered.size > REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value!)
  }
}

const madeKey = (from: PeerId, tunnel: TunnelId): string => `made ${from} ${tunnel}`
const receivedKey = (to: PeerId, tunnel: TunnelId): string => `received ${to} ${tunnel}`
