/**
 * Offers of tunnels and their answers (wire README, section 3).
 *
 * The offering peer's node checks that the two are related, chooses the HANDSHAKE, and passes the offer on; the other
 * peer's node checks that it does not block the first, gives it the offer and the direction to the HANDSHAKE, and says that
 * it is `ringing` where it does not answer at once: with that the offering peer gets its direction, and joins the HANDSHAKE
 * while the other one decides. There it learns nothing before the other one has joined too, so nobody learns of a peer that
 * did not accept. Otherwise a node answers by itself only when the offer cannot come to anything. Both ends repeat; here an
 * offer is remembered for a minute, so that an answer goes only to who made the offer.
 *
 * To offers a peer that is invisible, or whose user blocks the one that offers, is not here: it does not ring, and the offering
 * peer's node looks for it anew, as for one that has just left. The devices of its own user see an invisible peer.
 *
 * Each side may say at which port of its address the tunnel's socket will probably be seen, so that the other one can send
 * there as soon as both agree.
 *
 * A tunnel that lost its paths asks to be led to a HANDSHAKE again. The other peer may be at no node by now, or may know nothing
 * of the tunnel, as its process is another one: both are answered, so that nobody waits for it.
 *
 * What the networks of the two let a tunnel use goes into the grant of the offering side, whose node knows them all; at the
 * HANDSHAKE the stricter side decides. Where they let none be direct, neither side is told where the other will be seen.
 */
import type { NetworkId, NodeId, PeerId, TunnelId } from '../../ids.ts'
import type { Paths } from '../../paths.ts'
import { type Address, isIpv4, NOWHERE, PORT_WORD, sameIp } from '../../wire/address.ts'
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
  encodeAnswer,
  encodeOffer,
  encodeRejoin,
  type Offer,
  type Rejoin,
} from '../../wire/offers.ts'
import { DelayLine } from '../session/delay-line.ts'
import { takeAllowance } from './allowances.ts'
import type { CheckpointCounters } from './counters.ts'
import type { Directions, Side } from './directions.ts'
import type { FleetView } from './fleet-view.ts'
import type { Locator } from './locator.ts'
import type { NodeLinks } from './node-links.ts'
import type { PeerSession } from './peer-session.ts'
import type { Destination, Reach } from './reach.ts'
import type { Roster } from './roster.ts'
import type { SessionTable } from './session-table.ts'

/** An offer costs its recipient attention. */
const COST = 2
const REMEMBERED_MS = 60_000
/** To one offer: an answer may be repeated as often as the offer is, which comes again after 0.5 s and more. */
const ANSWERS = 4
const ANSWER_MS = 500
/** An application that decides at once, on the same machine or near it, is faster: then it need not ring. */
const RING_AFTER_MS = 5
const REMEMBERED = 100_000
const NOTHING = new Uint8Array(0)

interface Remembered extends Between {
  /** The node of the offering peer. */
  readonly origin: NodeId
  readonly handshake: NodeId
  readonly paths: Paths
  readonly network?: NetworkId | undefined
  /** One node said that the recipient is not there. */
  isDoubted: boolean
  /** The recipient, which is here, has answered. */
  isDecided: boolean
  /** When all of ANSWERS will be allowed to it again. */
  answersFullAt: number
}

export interface OffersOptions {
  readonly node: NodeId
  readonly directions: Directions
  readonly fleet: FleetView
  readonly table: SessionTable
  readonly roster: Roster
  readonly locator: Locator
  readonly reach: Reach
  readonly links: NodeLinks
  readonly counters: CheckpointCounters
}

export class Offers {
  readonly #options: OffersOptions
  /** Offers that passed here: those of peers here and those to peers here. */
  readonly #remembered = new Map<string, Remembered>()
  readonly #forgetting = new DelayLine<string>(REMEMBERED_MS)
  readonly #ringing = new DelayLine<{ readonly to: PeerId; readonly tunnel: TunnelId }>(RING_AFTER_MS)

  constructor(options: OffersOptions) {
    this.#options = options
  }

  /** An offer of a peer that is signed in here. */
  submit(from: PeerSession, { tunnel, peer, noise, expected: { words } }: Offer, now: number): void {
    const { fleet, counters, reach } = this.#options
    const handshake = fleet.handshakeFor(tunnel, now)
    const refuse = (outcome: AnswerOutcome) => this.#say(from, tunnel, peer, outcome)
    const expected = expectedOf(from, words)
    counters.offers++
    if (!takeAllowance(from, COST, now)) refuse('rateLimited')
    else if (handshake === undefined) refuse('unavailable')
    else
      reach.find(
        from,
        peer,
        (way, at) => {
          if ('refused' in way) refuse(way.refused)
          else this.#passOn({ to: peer, from: from.peer, tunnel, noise, handshake, expected }, way, at)
        },
        now,
      )
  }

  /** An offer to a peer that is signed in here. */
  arrive(origin: NodeId, offer: ForwardedOffer, now: number): void {
    const { roster, reach } = this.#options
    const to = roster.get(offer.to)
    const answer = (outcome: ForwardedAnswer['outcome'], at: number) =>
      this.#answerTo(origin, byNode(offer, outcome), at)
    if (to === undefined) answer('notHere', now)
    else
      reach.admit(
        to,
        offer.from,
        (admits, at) => {
          if (!admits) answer('notHere', at)
          else if (!this.#handOver(to, origin, offer, at)) answer('unavailable', at)
        },
        now,
      )
  }

  /** The answer of a peer that is signed in here. */
  answer(
    from: PeerSession,
    { tunnel, peer, outcome, noise, expected: { words } }: Answer,
    now: number,
  ): void {
    const offer = this.#remembered.get(receivedKey(from.peer, tunnel))
    if (offer?.from !== peer) return
    const fullAt = Math.max(offer.answersFullAt, now) + ANSWER_MS
    if (fullAt - now > ANSWERS * ANSWER_MS) {
      this.#options.counters.rateLimited++
      return
    }
    offer.answersFullAt = fullAt
    offer.isDecided = true
    const { origin, handshake } = offer
    const expected = outcome === 'accepted' ? expectedOf(from, words) : NOWHERE
    this.#answerTo(origin, { to: peer, from: from.peer, tunnel, outcome, noise, handshake, expected }, now)
  }

  /** The answer to an offer of a peer that is signed in here. */
  answered(answer: ForwardedAnswer, now: number): void {
    const { to, from: peer, tunnel, noise } = answer
    const offer = this.#remembered.get(madeKey(to, tunnel))
    const here = this.#options.roster.get(to)
    if (here === undefined || offer?.to !== peer) return
    const outcome = answer.outcome === 'notHere' ? 'offline' : answer.outcome
    if (answer.outcome === 'notHere' && !offer.isDoubted) this.#doubt(offer)
    else if (outcome === 'accepted' || outcome === 'ringing')
      this.#direct(here, { ...answer, outcome }, offer, now)
    else this.#show(here, { tunnel, peer, outcome, noise, expected: NOWHERE })
  }

  /** A peer here needs the HANDSHAKE again: both sides get a new direction. */
  rejoin(from: PeerSession, { tunnel, peer, leg }: Rejoin, now: number): void {
    const { fleet, node, links, reach } = this.#options
    const handshake = fleet.handshakeFor(tunnel, now)
    if (handshake === undefined || !takeAllowance(from, COST, now)) return
    const rejoin = { to: peer, from: from.peer, tunnel, leg, handshake }
    reach.find(
      from,
      peer,
      (way, at) => {
        if ('refused' in way) {
          this.#options.table.send(from, FRAME.REJOIN, encodeRejoin({ tunnel, peer, leg }))
          return
        }
        const { paths, network } = way
        const asked = { to: peer, from: from.peer, origin: node, handshake, paths, network }
        this.#remember(
          madeKey(from.peer, tunnel),
          { ...asked, isDoubted: false, isDecided: true, answersFullAt: 0 },
          at,
        )
        this.#lead(from, { tunnel, leg, other: peer, handshake, paths, network }, at)
        if (way.node === node) this.rejoined(node, rejoin, at)
        else links.send(way.node, FRAME.FORWARD_REJOIN, encodeForwardedRejoin(rejoin))
      },
      now,
    )
  }

  /** The other side of a tunnel of a peer here goes to the HANDSHAKE again. */
  rejoined(origin: NodeId, rejoin: ForwardedRejoin, now: number): void {
    const { to: self, from: other, tunnel, leg, handshake } = rejoin
    const to = this.#options.roster.get(self)
    const absent = (at: number) => this.#answerTo(origin, byNode(rejoin, 'notHere'), at)
    if (to === undefined) {
      absent(now)
      return
    }
    const side = { tunnel, leg: leg === 0 ? 1 : 0, other, handshake, paths: 'auto' } as const
    const asked = { to: self, from: other, origin, handshake, paths: 'auto' } as const
    this.#options.reach.admit(
      to,
      other,
      (admits, at) => {
        if (!admits) {
          absent(at)
          return
        }
        this.#remember(
          receivedKey(self, tunnel),
          { ...asked, isDoubted: false, isDecided: true, answersFullAt: 0 },
          at,
        )
        this.#lead(to, side, at)
      },
      now,
    )
  }

  tick(now: number): void {
    for (let key = this.#forgetting.take(now); key !== undefined; key = this.#forgetting.take(now)) {
      this.#remembered.delete(key)
    }
    for (let due = this.#ringing.take(now); due !== undefined; due = this.#ringing.take(now))
      this.#ring(due.to, due.tunnel, now)
  }

  deadline(): number {
    return Math.min(this.#forgetting.deadline(), this.#ringing.deadline())
  }

  #ring(to: PeerId, tunnel: TunnelId, now: number): void {
    const offer = this.#remembered.get(receivedKey(to, tunnel))
    if (offer === undefined || offer.isDecided) return
    this.#answerTo(offer.origin, byNode({ ...offer, tunnel }, 'ringing'), now)
  }

  #passOn(wanted: ForwardedOffer, { node, paths, network }: Destination, now: number): void {
    const { node: self, links } = this.#options
    const offer = { ...wanted, expected: within(paths, wanted.expected) }
    const key = madeKey(offer.from, offer.tunnel)
    const isDoubted = this.#remembered.get(key)?.isDoubted === true
    this.#remember(
      key,
      { ...offer, origin: self, paths, network, isDoubted, isDecided: false, answersFullAt: 0 },
      now,
    )
    if (node === self) this.arrive(self, offer, now)
    else links.send(node, FRAME.FORWARD_OFFER, encodeForwardedOffer(offer))
  }

  /** To the HANDSHAKE, with what the other side says. */
  #direct(
    by: PeerSession,
    answer: ForwardedAnswer & Pick<Answer, 'outcome'>,
    { paths, network }: Pick<Remembered, 'paths' | 'network'>,
    now: number,
  ): void {
    const { from: peer, tunnel, outcome, noise, handshake } = answer
    const side = { tunnel, leg: 0, other: peer, handshake, paths, network } as const
    const direction = this.#options.directions.to(side, by, now)
    const expected = within(paths, elsewhere(answer.expected, by))
    if (direction !== undefined) this.#show(by, { tunnel, peer, outcome, noise, expected, direction })
    else this.#say(by, tunnel, peer, 'unavailable')
  }

  /** A peer that has just moved is not where it was remembered to be: the next repeat looks for it anew. */
  #doubt(offer: Remembered): void {
    offer.isDoubted = true
    this.#options.locator.forget(offer.to)
  }

  /** False where there is no way to the HANDSHAKE. */
  #handOver(to: PeerSession, origin: NodeId, offer: ForwardedOffer, now: number): boolean {
    const { from, tunnel, noise, handshake } = offer
    const expected = elsewhere(offer.expected, to)
    const side = { tunnel, leg: 1, other: from, handshake, paths: 'auto' } as const
    const direction = this.#options.directions.to(side, to, now)
    if (direction === undefined) return false
    const offered = { to: to.peer, from, origin, handshake, paths: 'auto' } as const
    this.#remember(
      receivedKey(to.peer, tunnel),
      { ...offered, isDoubted: false, isDecided: false, answersFullAt: 0 },
      now,
    )
    this.#ringing.put({ to: to.peer, tunnel }, now)
    this.#options.table.send(to, FRAME.OFFER, encodeOffer({ tunnel, peer: from, noise, expected, direction }))
    return true
  }

  #answerTo(origin: NodeId, answer: ForwardedAnswer, now: number): void {
    if (origin === this.#options.node) this.answered(answer, now)
    else this.#options.links.send(origin, FRAME.FORWARD_ANSWER, encodeForwardedAnswer(answer))
  }

  /** By itself. */
  #say(to: PeerSession, tunnel: TunnelId, peer: PeerId, outcome: AnswerOutcome): void {
    this.#show(to, { tunnel, peer, outcome, noise: NOTHING, expected: NOWHERE })
  }

  #show(to: PeerSession, answer: Answer): void {
    this.#options.table.send(to, FRAME.ANSWER, encodeAnswer(answer))
  }

  #lead(to: PeerSession, side: Side, now: number): void {
    const { tunnel, leg, other: peer } = side
    const direction = this.#options.directions.to(side, to, now)
    if (direction !== undefined)
      this.#options.table.send(to, FRAME.REJOIN, encodeRejoin({ tunnel, peer, leg, direction }))
  }

  #remember(key: string, offer: Remembered, now: number): void {
    if (!this.#remembered.has(key)) this.#forgetting.put(key, now)
    this.#remembered.set(key, offer)
    if (this.#remembered.size > REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value!)
  }
}

/** What the recipient's node says of an offer by itself. */
function byNode(
  { to, from, tunnel, handshake }: Between & Pick<ForwardedOffer, 'tunnel' | 'handshake'>,
  outcome: ForwardedAnswer['outcome'],
): ForwardedAnswer {
  return { to: from, from: to, tunnel, outcome, noise: NOTHING, handshake, expected: NOWHERE }
}

/** A port of the IP at which the peer proved to be: whatever it says, nobody is aimed at elsewhere. */
function expectedOf({ from }: PeerSession, said: Uint32Array): Address {
  const port = said[PORT_WORD]!
  if (port === 0 || !isIpv4(from.words)) return NOWHERE
  const words = from.words.slice()
  words[PORT_WORD] = port
  return { words }
}

/** Two behind one NAT better meet inside. */
const elsewhere = (expected: Address, { from }: PeerSession): Address =>
  sameIp(expected.words, 0, from.words, 0) ? NOWHERE : expected

/** Nobody is looked for directly before the HANDSHAKE could say that it must not be. */
const within = (paths: Paths, expected: Address): Address => (paths === 'relay-only' ? NOWHERE : expected)

const madeKey = (from: PeerId, tunnel: TunnelId): string => `made ${from} ${tunnel}`
const receivedKey = (to: PeerId, tunnel: TunnelId): string => `received ${to} ${tunnel}`
