/**
 * Offers of tunnels and their answers (wire README, section 3).
 *
 *   1  The node of the offering peer checks that the two peers are related, chooses the HANDSHAKE and passes the offer on.
 *   2  The node of the recipient checks that the recipient does not block the offering peer. It gives the recipient the offer and
 *      a direction to the HANDSHAKE.
 *   3  If the recipient does not answer within RING_AFTER_MS, its node answers `ringing`. With that the offering peer gets its
 *      own direction, and joins the HANDSHAKE while the recipient decides. The HANDSHAKE tells it nothing until the recipient
 *      has joined too, so a peer that does not accept reveals nothing.
 *   4  The recipient's answer goes back the same way.
 *
 * Apart from `ringing`, a node answers by itself only if the offer must fail. Both ends retransmit. A node remembers an offer for
 * a minute, so that an answer goes only to the peer that made the offer.
 *
 * A peer that is invisible, or whose user blocks the offering peer, is treated as absent: it does not ring, and the node of the
 * offering peer looks it up again, as if it had just left. The other peers of its own user do see an invisible peer.
 *
 * Each side may name the port of its address at which the tunnel's socket will probably be seen. The other side can then send
 * there as soon as both agree.
 *
 * A tunnel that has lost its paths asks for a HANDSHAKE again with REJOIN. The other peer may be offline, or a new process that
 * does not know the tunnel. Both cases are answered, so that nobody waits for it.
 *
 * The path policy of the shared networks goes into the grant of the offering side, whose node knows all of them. At the HANDSHAKE
 * the stricter side decides. If the policy allows no direct path, neither side is told where the other will be seen.
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

/** Cost of an offer in requests. It is higher than that of a message, because an offer demands attention. */
const COST = 2
const REMEMBERED_MS = 60_000
/** Rate limit of the answers to one offer: as often as the offer itself is retransmitted, which is every 0.5 s or less often. */
const ANSWERS = 4
const ANSWER_MS = 500
/** Delay of `ringing`. An application that decides immediately, on this machine or near it, answers sooner. */
const RING_AFTER_MS = 5
const REMEMBERED = 100_000
const NOTHING = new Uint8Array(0)

interface Remembered extends Between {
  /** The node of the offering peer. */
  readonly origin: NodeId
  readonly handshake: NodeId
  readonly paths: Paths
  readonly network?: NetworkId | undefined
  /** True if a node has reported that the recipient is not there. */
  isDoubted: boolean
  /** True if the recipient, which is at this node, has answered. */
  isDecided: boolean
  /** Time at which all ANSWERS will be allowed again (GCRA). */
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
  /** Offers from peers here and to peers here. */
  readonly #remembered = new Map<string, Remembered>()
  readonly #forgetting = new DelayLine<string>(REMEMBERED_MS)
  readonly #ringing = new DelayLine<{ readonly to: PeerId; readonly tunnel: TunnelId }>(RING_AFTER_MS)

  constructor(options: OffersOptions) {
    this.#options = options
  }

  /** Handles an offer from a peer that is signed in here. */
  submit(from: PeerSession, { tunnel, peer, noise, expected: { words } }: Offer, now: number): void {
    const { fleet, counters, reach } = this.#options
    const handshake = fleet.handshakeFor(tunnel, now)
    const refuse = (outcome: AnswerOutcome) => this.#say(from, tunnel, peer, outcome)
    const expected = expectedOf(this.#options.table.fromOf(from), words)
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

  /** Handles an offer to a peer that is signed in here. */
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

  /** Handles an answer from a peer that is signed in here. */
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
    const expected = outcome === 'accepted' ? expectedOf(this.#options.table.fromOf(from), words) : NOWHERE
    this.#answerTo(origin, { to: peer, from: from.peer, tunnel, outcome, noise, handshake, expected }, now)
  }

  /** Handles the answer to an offer from a peer that is signed in here. */
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

  /** Handles a REJOIN from a peer here, which needs the HANDSHAKE again: both sides get a new direction. */
  rejoin(from: PeerSession, { tunnel, peer, leg }: Rejoin, now: number): void {
    const { fleet, node, links, reach } = this.#options
    const handshake = fleet.handshakeFor(tunnel, now, this.#lastOf(from.peer, tunnel))
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

  /** The HANDSHAKE that a tunnel of a peer here was last led to; undefined unless that was a short time ago. */
  #lastOf(peer: PeerId, tunnel: TunnelId): NodeId | undefined {
    const [made, received] = [madeKey(peer, tunnel), receivedKey(peer, tunnel)]
    return (this.#remembered.get(made) ?? this.#remembered.get(received))?.handshake
  }

  /** Handles a REJOIN to a peer here: the other side of its tunnel goes to the HANDSHAKE again. */
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

  /** Gives the offering peer its direction to the HANDSHAKE, with the answer of the other side. */
  #direct(
    by: PeerSession,
    answer: ForwardedAnswer & Pick<Answer, 'outcome'>,
    { paths, network }: Pick<Remembered, 'paths' | 'network'>,
    now: number,
  ): void {
    const { from: peer, tunnel, outcome, noise, handshake } = answer
    const side = { tunnel, leg: 0, other: peer, handshake, paths, network } as const
    const direction = this.#options.directions.to(side, by, now)
    const expected = within(paths, elsewhere(answer.expected, this.#options.table.fromOf(by)))
    if (direction !== undefined) this.#show(by, { tunnel, peer, outcome, noise, expected, direction })
    else this.#say(by, tunnel, peer, 'unavailable')
  }

  /** Forgets where the recipient was, which may have just moved. The next retransmission of the offer looks it up again. */
  #doubt(offer: Remembered): void {
    offer.isDoubted = true
    this.#options.locator.forget(offer.to)
  }

  /** Gives an offer to a peer here; false if this node does not know the HANDSHAKE. */
  #handOver(to: PeerSession, origin: NodeId, offer: ForwardedOffer, now: number): boolean {
    const { from, tunnel, noise, handshake } = offer
    const expected = elsewhere(offer.expected, this.#options.table.fromOf(to))
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

  /** Sends an answer that this node gives by itself. */
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

/** The answer that the recipient's node gives to an offer by itself. */
function byNode(
  { to, from, tunnel, handshake }: Between & Pick<ForwardedOffer, 'tunnel' | 'handshake'>,
  outcome: ForwardedAnswer['outcome'],
): ForwardedAnswer {
  return { to: from, from: to, tunnel, outcome, noise: NOTHING, handshake, expected: NOWHERE }
}

/** The port that a peer expects, at the IP that it has proven. A peer can thus direct packets at no other host. */
function expectedOf(from: Address, said: Uint32Array): Address {
  const port = said[PORT_WORD]!
  if (port === 0 || !isIpv4(from.words)) return NOWHERE
  const words = from.words.slice()
  words[PORT_WORD] = port
  return { words }
}

/** Removes an expected address at the peer's own IP: two peers behind one NAT should use their local addresses. */
const elsewhere = (expected: Address, from: Address): Address =>
  sameIp(expected.words, 0, from.words, 0) ? NOWHERE : expected

/** Removes the expected address if no direct path is allowed. It would be used before the HANDSHAKE could enforce the policy. */
const within = (paths: Paths, expected: Address): Address => (paths === 'relay-only' ? NOWHERE : expected)

const madeKey = (from: PeerId, tunnel: TunnelId): string => `made ${from} ${tunnel}`
const receivedKey = (to: PeerId, tunnel: TunnelId): string => `received ${to} ${tunnel}`
