import { MAX_BODY_BYTES } from '../../wire/frames.ts'
import { decodeMessage, decodeReceipt, RECIPIENT_OUTCOMES } from '../../wire/messages.ts'
import { FRAME } from '../../wire/numbers.ts'
import { CALLEE_OUTCOMES, decodeAnswer, decodeOffer, decodeRejoin } from '../../wire/offers.ts'
import { decodePrekeyQuestion } from '../../wire/prekeys.ts'
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
import type { Prekeys } from './prekeys.ts'
import type { Presence } from './presence.ts'
import type { Residence } from './residence.ts'
import type { SessionTable } from './session-table.ts'
import type { Standings } from './standings.ts'

/** Frames that are handled before the standing is known: they affect nobody else, or are written with the sign-in. */
const ABOUT_ITSELF: ReadonlySet<number> = new Set([FRAME.STATUS, FRAME.PACE, FRAME.TICKET])
/** Maximum number of held frames: twice as many as may be in flight to a node that has acknowledged nothing. */
const MOST_HELD = 64
/** Bounds on the keep-alive interval that a peer may set. A vanished peer is shown for three intervals. */
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
  readonly prekeys: Prekeys
  readonly counters: CheckpointCounters
}

/**
 * Dispatches the frames of peers. A frame that cannot be decoded is counted. Except for ABOUT_ITSELF, no frame takes effect
 * before the standing of the peer is known: it is held until then, or dropped with the session.
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

  /** Holds a frame until the standing of the peer is known. Held frames keep their order. */
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

  /** Handles a frame; false if its body could not be decoded, or reports what only a node may report. Unknown types are ignored. */
  #take(from: PeerSession, type: number, body: Uint8Array, now: number): boolean {
    const { residence, presence, messages, deliveries, offers, finds, prekeys } = this.#options
    switch (type) {
      case FRAME.STATUS:
        return given(decodeStatus(body), (status) => presence.update(from, status, now))
      case FRAME.MESSAGE:
        return given(decodeMessage(body), (message) => messages.submit(from, message, now))
      case FRAME.RECEIPT:
        return given(saidByPeer(decodeReceipt(body), RECIPIENT_OUTCOMES), (receipt) =>
          deliveries.receipt(from, receipt, now),
        )
      case FRAME.FIND:
        return given(decodeFind(body), (find) => finds.find(from, find, now))
      case FRAME.ASK_PREKEY:
        return given(decodePrekeyQuestion(body), (question) => prekeys.answer(from, question, now))
      case FRAME.OFFER:
        return given(decodeOffer(body), (offer) => offers.submit(from, offer, now))
      case FRAME.ANSWER:
        return given(saidByPeer(decodeAnswer(body), CALLEE_OUTCOMES), (answer) =>
          offers.answer(from, answer, now),
        )
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

/** A report from a peer; undefined if its outcome is for nodes to report. A sender slows down or gives up because of those. */
function saidByPeer<O, T extends { readonly outcome: O }>(
  report: T | undefined,
  outcomes: ReadonlySet<O>,
): T | undefined {
  return report !== undefined && outcomes.has(report.outcome) ? report : undefined
}
