/**
 * Tells peers here the news of others: presence and changes. News is lost if the streams do not reach this node, or if the
 * queue of a peer's session is full. Such a peer is sent MISSED, and then reads the members and their presence from INDEX.
 * MISSED is sent:
 *
 *   - only once the peer's standing is known again, so that the peer is told of every change after it has read INDEX;
 *   - at a steady pace after a gap of the streams, because every peer that is told reads from INDEX;
 *   - after an overflow, only when LATER_MS have passed and half of the queue is free, so that it is rare.
 */
import { FRAME } from '../../wire/numbers.ts'
import { DelayLine } from '../session/delay-line.ts'
import { Queue } from '../session/queue.ts'
import type { PeerSession } from './peer-session.ts'
import type { Roster } from './roster.ts'
import type { SessionTable } from './session-table.ts'
import type { Standings } from './standings.ts'

/** A_STEP peers are sent MISSED every STEP_MS: 50,000 within a minute. */
const A_STEP = 100
const STEP_MS = 100
const LATER_MS = 5000
/** Half of the queue of a session. */
const ROOM = 128
const NOTHING = new Uint8Array(0)
const never = Number.POSITIVE_INFINITY

type Type = typeof FRAME.PRESENCE | typeof FRAME.CHANGE

export interface NewsOptions {
  readonly table: SessionTable
  readonly roster: Roster
  readonly standings: Standings
}

export class News {
  readonly #options: NewsOptions
  readonly #later = new DelayLine<PeerSession>(LATER_MS)
  readonly #due = new Queue<PeerSession>()
  #stepAt = never

  constructor(options: NewsOptions) {
    this.#options = options
  }

  tell(to: PeerSession, type: Type, body: Uint8Array, now: number): void {
    if (!this.#options.table.send(to, type, body)) this.missed(to, now)
  }

  /** Call when news for a peer was lost. */
  missed(of: PeerSession, now: number): void {
    if (of.missed || of.stage !== 'online') return
    of.missed = true
    this.#later.put(of, now)
  }

  /** Call when news for all peers here may have been lost. */
  allMissed(now: number): void {
    for (const each of this.#options.roster.all()) {
      if (each.missed) continue
      each.missed = true
      this.#due.put(each)
    }
    this.#wake(now)
  }

  tick(now: number): void {
    for (let of = this.#later.take(now); of !== undefined; of = this.#later.take(now)) {
      this.#due.put(of)
      this.#wake(now)
    }
    if (now >= this.#stepAt) this.#step(now)
  }

  deadline(): number {
    return Math.min(this.#later.deadline(), this.#stepAt)
  }

  #wake(now: number): void {
    if (this.#due.size > 0) this.#stepAt = Math.min(this.#stepAt, now)
  }

  #step(now: number): void {
    const { table, standings } = this.#options
    for (let left = Math.min(A_STEP, this.#due.size); left > 0; left--) {
      const each = this.#due.take()!
      if (each.stage !== 'online') continue
      const isReady = !standings.isBehindGap(each) && each.session.room >= ROOM
      if (isReady && table.send(each, FRAME.MISSED, NOTHING)) each.missed = false
      else this.#due.put(each)
    }
    this.#stepAt = this.#due.size > 0 ? now + STEP_MS : never
  }
}
