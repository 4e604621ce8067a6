/**
 * A session with a CHECKPOINT, while this peer is signed in: what it carries (`affairs.ts`), keep-alives (`pace.ts`), and why
 * it ended.
 */
import type { Random } from '../../crypto/random.ts'
import type { Batch } from '../../wire/batch.ts'
import { FRAME, KIND } from '../../wire/numbers.ts'
import { encodeU32, indexAt, SHORT_BYTES, writeShort } from '../../wire/session.ts'
import type { FrameSink, Session } from '../session/session.ts'
import type { Affairs } from './affairs.ts'
import type { OfflineReason, PeerEffect } from './events.ts'
import { Pace } from './pace.ts'
import type { Answered } from './round.ts'

/** The directory answers a sign-in within this time. */
const DOUBT_MS = 10_000

/** Why a session ended. `lost` and `draining` do not apply to other nodes. */
export type SessionEnd = Extract<OfflineReason, 'lost' | 'draining' | 'replaced' | 'revoked' | 'ticket'>

export interface OnlineOptions {
  readonly answered: Answered
  readonly affairs: Affairs
  readonly random: Random
  /** The sign-in was dated by our own clock, which may have been behind the node's. */
  readonly isGuess: boolean
  readonly now: number
}

export class Online {
  readonly kind = 'online'
  readonly session: Session
  readonly #pace: Pace
  readonly #affairs: Affairs
  readonly #random: Random
  /** Time until which `replaced` may mean only that this sign-in looked old, because our clock was behind the node's. */
  readonly #doubtfulUntil: number
  /** Event to emit when others can find this peer. */
  #news: Extract<PeerEffect, { kind: 'online' }> | undefined

  constructor({ answered, affairs, random, isGuess, now }: OnlineOptions) {
    const { welcome, session, node } = answered
    this.session = session
    this.#pace = new Pace(welcome.keepAliveMs, now)
    this.#affairs = affairs
    this.#random = random
    this.#doubtfulUntil = isGuess ? now + DOUBT_MS : 0
    this.#news = { kind: 'online', node: node.node, observed: welcome.observed, since: welcome.since }
    affairs.restart()
    session.send(FRAME.PACE, encodeU32(this.#pace.intervalMs))
  }

  /** Sends what is due. Returns why the session has ended; undefined if it goes on. */
  serve(out: Batch, now: number): SessionEnd | undefined {
    const { session } = this
    if (session.state === 'open') this.#affairs.fill(session)
    session.flush(out, now)
    if (session.doubtful) this.#pace.hurry(now)
    const due = this.#pace.due(now)
    if (due === 'send') keepAlive(session, out)
    if (due === 'dead' || session.state === 'dead') return 'lost'
    return session.state === 'left' ? this.#endByNode(now) : undefined
  }

  deadline(): number {
    const fillAt = this.session.room > 0 ? this.#affairs.fillAt() : Number.POSITIVE_INFINITY
    return Math.min(this.session.deadline(), this.#pace.deadline(), fillAt)
  }

  /** Takes a datagram; false if it does not belong to the session. */
  take(arrived: Batch, i: number, sink: FrameSink, now: number): boolean {
    const { session } = this
    const at = arrived.start(i)
    const index = indexAt(arrived.bytes, at)
    const kind = arrived.bytes[at + 1]
    if (kind === KIND.GONE && index === session.remoteIndex) {
      if (this.#pace.doubt(now, session.roundTripMs)) session.ping(this.#random.u32())
      return true
    }
    if (index !== session.index) return false
    const isHeard =
      kind === KIND.KEEP_ALIVE_ACK || (kind === KIND.SEALED && session.receive(arrived, i, now, sink))
    if (isHeard) this.#pace.heard(now)
    return isHeard
  }

  /** The event that others can find this peer; undefined if it was emitted already. */
  takeNews(): PeerEffect | undefined {
    const news = this.#news
    this.#news = undefined
    return news
  }

  /** A sealed frame moves the session to our present address; a keep-alive soon shows whether the session still exists. */
  prove(now: number): void {
    this.session.ping(this.#random.u32())
    this.#pace.hurry(now)
  }

  keepInterval(intervalMs: number): void {
    this.#pace.intervalMs = intervalMs
    this.session.send(FRAME.PACE, encodeU32(this.#pace.intervalMs))
  }

  #endByNode(now: number): SessionEnd {
    const { reason } = this.session
    if (reason === 'replaced' && now < this.#doubtfulUntil) return 'lost'
    if (reason === 'replaced' || reason === 'revoked') return reason
    return reason === 'ticketEnded' ? 'ticket' : 'draining'
  }
}

function keepAlive(session: Session, out: Batch): void {
  const i = out.claim(session.address, session.addressAt, session.socket)
  writeShort(out.bytes, out.start(i), KIND.KEEP_ALIVE, session.remoteIndex)
  out.length[i] = SHORT_BYTES
}
