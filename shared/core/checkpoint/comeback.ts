/**
 * Signs peers in again after this node's lease had expired although the node was alive: the tables were unreachable for a long
 * time, or a clock was wrong. The tables then list the node's peers as offline while their sessions go on. The peers are signed
 * in again a few at a time.
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

  /** `signIn`: registers a peer at this node in the directory. */
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
