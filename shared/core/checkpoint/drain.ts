/**
 * Leaving in an orderly way: peers are asked to sign in elsewhere, a few at a time, so that the others are not flooded; who
 * does not seem to have heard is asked again. A session stays until its peer has moved.
 */
import { FRAME } from '../../wire/numbers.ts'
import { encodeGoodbye } from '../../wire/session.ts'
import type { PeerSession } from './peer-session.ts'
import type { Roster } from './roster.ts'
import type { SessionTable } from './session-table.ts'

const STEP_MS = 100
/** At least so many in a step, and all of them in 600 steps: a minute. */
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

  /** True once, when nobody is left. */
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
