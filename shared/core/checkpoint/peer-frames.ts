import { MAX_BODY_BYTES } from '../../wire/frames.ts'
import { decodeMessage, decodeReceipt } from '../../wire/messages.ts'
import { FRAME } from '../../wire/numbers.ts'
import { decodeAnswer, decodeOffer, decodeRejoin } from '../../wire/offers.ts'
import { decodeFind, decodeStatus } from '../../wire/presence.ts'
import { decodeTicket, decodeU32 } from '../../wire/session.ts'
import type { FrameSink, Session } from '../session/session.ts'
import type { CheckpointCounters } from './counters.ts'
import type { Deliveries } from './deliveries.ts'
import type { Finds } from './finds.ts'
import { given } from './given.ts'
import type { Messages } from './messages.ts'
import type { Offers } from './offers.ts'
import type { PeerSession } from './peer-session.ts'
import type { Presence } from './presence.ts'
import type { Residence } from './residence.ts'
import type { SessionTable } from './session-table.ts'
import type { Standings } from './standings.ts'

/** Change nothing for anybody else, or are told to the directory with the sign-in. */
const ABOUT_ITSELF: ReadonlySet<number> = new Set([FRAME.STATUS, FRAME.PACE, FRAME.TICKET])
/** Twice what may be in flight to a node that has acknowledged nothing. */
const MOST_HELD = 64
/** What a peer may say of its own interval: a ghost is seen for three of them. */
const LEAST_INTERVAL_MS = 1000
const GREATEST_INTERVAL_MS = 60_000

export interface PeerFramesOptions {
  readonly table: SessionTable
  readonly standings: Standings
  readonly residence: Residence
  readonly presence: Presence
  readonly messages: Messages
  readonly deliveries: Deliveries
  readonly offers: Offers
  readonly finds: Finds
  readonly counters: CheckpointCounters
}

/**
 * Takes the frames of peers to the part that each is for. One that is not understood is counted. Nothing that a peer says takes
 * effect before its standing is known: it is held until then, or dropped with the session.
 */
export class PeerFrames implements FrameSink {
  readonly #options: PeerFramesOptions

  constructor(options: PeerFramesOptions) {
    this.#options = options
  }

  frame(session: Session, type: number, body: Uint8Array, now: number): void {
    const from = this.#options.table.find(session.index)
    if (from === undefined || body.length > MAX_BODY_BYTES) return
    this.#options.residence.prove(from, now)
    if (from.stage === 'ended') return
    const { standings } = this.#options
    const isKnown = from.held === undefined && from.stage === 'online' && standings.isTrusted(from, now)
    if (isKnown || ABOUT_ITSELF.has(type)) this.#act(from, type, body, now)
    else this.#hold(from, type, body, now)
  }

  /** In order, when the standing of the peer is known. */
  #hold(from: PeerSession, type: number, body: Uint8Array, now: number): void {
    const isFirst = from.held === undefined
    from.held ??= []
    if (from.held.length < MOST_HELD) from.held.push({ type, body: body.slice() })
    else this.#options.counters.dropped++
    if (isFirst) this.#releaseLater(from, now)
  }

  #releaseLater(from: PeerSession, now: number): void {
    this.#options.standings.ensure(from, (at) => this.#release(from, at), now)
  }

  #release(from: PeerSession, now: number): void {
    if (from.stage === 'joining') {
      // The directory has answered; the networks are being joined.
      from.awaiting ??= []
      from.awaiting.push((at) => this.#release(from, at))
      return
    }
    const held = from.held ?? []
    from.held = undefined
    for (const { type, body } of held) {
      if (from.stage !== 'online') return
      this.#act(from, type, body, now)
    }
  }

  #act(from: PeerSession, type: number, body: Uint8Array, now: number): void {
    if (!this.#take(from, type, body, now)) this.#options.counters.malformed++
  }

  /** False where the body is not what its type says. Types of no concern here are passed over. */
  #take(from: PeerSession, type: number, body: Uint8Array, now: number): boolean {
    const { residence, presence, messages, deliveries, offers, finds } = this.#options
    switch (type) {
      case FRAME.STATUS:
        return given(decodeStatus(body), (status) => presence.update(from, status, now))
      case FRAME.MESSAGE:
        return given(decodeMessage(body), (message) => messages.submit(from, message, now))
      case FRAME.RECEIPT:
        return given(decodeReceipt(body), (receipt) => deliveries.receipt(from, receipt, now))
      case FRAME.FIND:
        return given(decodeFind(body), (find) => finds.find(from, find, now))
      case FRAME.OFFER:
        return given(decodeOffer(body), (offer) => offers.submit(from, offer, now))
      case FRAME.ANSWER:
        return given(decodeAnswer(body), (answer) => offers.answer(from, answer, now))
      case FRAME.REJOIN:
        return given(decodeRejoin(body), (rejoin) => offers.rejoin(from, rejoin, now))
      case FRAME.TICKET:
        return given(decodeTicket(body), (ticket) => residence.renew(from, ticket, now))
      case FRAME.PACE:
        return given(decodeU32(body), (intervalMs) => setPace(from, intervalMs))
      default:
        return true
    }
  }
}

function setPace(of: PeerSession, intervalMs: number): void {
  of.intervalMs = Math.max(LEAST_INTERVAL_MS, Math.min(intervalMs, GREATEST_INTERVAL_MS))
}
