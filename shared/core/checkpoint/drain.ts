/**
 * Drains a node. Peers are asked to sign in elsewhere, a few at a time, so that the other nodes are not flooded. Peers that are
 * still here are asked again in the next round. A session stays until its peer has moved.
 */
import { FRAME } from '../../wire/numbers.ts'
import { encodeGoodbye } from '../../wire/session.ts'
import type { PeerSession } from './peer-session.ts'
import type { Roster } from './roster.ts'
import type { SessionTable } from './session-table.ts'

const STEP_MS = 100
/** Peers asked in one step: at least A_STEP, and enough to ask all of them in STEPS steps, which is a minute. */
const A_STEP = 200
const STEPS = 600
const ROUND_MS = 5000

export class Drain {
  readonly #roster: Roster
  readonly #table: SessionTable
  #round: readonly PeerSession[] = []
  #next = 0
  #roundAt = Number.POSITIVE_INFINITY
  #stepAt = Number.POSITIVE_INFINITY
  #isDone = false

  constructor(roster: Roster, table: SessionTable) {
    this.#roster = roster
    this.#table = table
  }

  get isUnderWay(): boolean {
    return this.#roundAt !== Number.POSITIVE_INFINITY
  }

  start(now: number): void {
    if (!this.isUnderWay) this.#beginRound(now)
  }

  /** Asks the peers that are due. Returns true once, when nobody is left. */
  tick(now: number): boolean {
    if (now >= this.#stepAt) this.#step(now)
    if (now >= this.#roundAt) this.#beginRound(now)
    const becomesDone = this.isUnderWay && !this.#isDone && this.#roster.size === 0
    if (becomesDone) this.#isDone = true
    return becomesDone
  }

  deadline(): number {
    return this.#isDone ? Number.POSITIVE_INFINITY : Math.min(this.#stepAt, this.#roundAt)
  }

  #beginRound(now: number): void {
    this.#round = [...this.#roster.all()]
    this.#next = 0
    this.#step(now)
  }

  #step(now: number): void {
    const end = this.#next + Math.max(A_STEP, Math.ceil(this.#round.length / STEPS))
    for (const each of this.#round.slice(this.#next, end)) {
      if (each.stage !== 'ended') this.#table.send(each, FRAME.GOODBYE, encodeGoodbye('draining'))
    }
    this.#next = end
    this.#stepAt = end < this.#round.length ? now + STEP_MS : Number.POSITIVE_INFINITY
    this.#roundAt = now + ROUND_MS
  }
}
