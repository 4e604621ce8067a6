/**
 * A node whose lease had ended was taken for dead, and its peers for gone, while their sessions went on: the tables were away
 * for long, or a clock was wrong. Now that it is back its peers are signed in again, a few at a time.
 */
import type { PeerSession } from './peer-session.ts'
import type { Roster } from './roster.ts'

const A_STEP = 100
const STEP_MS = 100

export class Comeback {
  readonly #roster: Roster
  readonly #signIn: (session: PeerSession, now: number) => void
  #left: PeerSession[] = []
  #stepAt = Number.POSITIVE_INFINITY

  /** `signIn`: tells the directory that the peer is here. */
  constructor(roster: Roster, signIn: (session: PeerSession, now: number) => void) {
    this.#roster = roster
    this.#signIn = signIn
  }

  start(now: number): void {
    this.#left = [...this.#roster.all()]
    this.#stepAt = now
  }

  tick(now: number): void {
    if (now < this.#stepAt) return
    for (const each of this.#left.splice(-A_STEP)) if (each.stage === 'online') this.#signIn(each, now)
    this.#stepAt = this.#left.length > 0 ? now + STEP_MS : Number.POSITIVE_INFINITY
  }

  deadline(): number {
    return this.#stepAt
  }
}
