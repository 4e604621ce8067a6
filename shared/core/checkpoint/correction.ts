/**
 * Sends the time to all peers again after this node's wall clock was set. Peers date their offers to peers of other nodes by the
 * time that their node told them. There may be very many peers, so they are told a few at a time.
 */
import { FRAME } from '../../wire/numbers.ts'
import { encodeTime } from '../../wire/session.ts'
import type { Wall } from '../wall.ts'
import type { PeerSession } from './peer-session.ts'
import type { Roster } from './roster.ts'
import type { SessionTable } from './session-table.ts'

/** A smaller correction does not matter to those that check a peer's times. */
const LEAST_MS = 2000
const STEP_MS = 20
const A_STEP = 500

export class Correction {
  readonly #wall: Wall
  readonly #roster: Roster
  readonly #table: SessionTable
  /** The wall-clock offset that peers were last told. */
  #toldAheadMs: number
  #left: PeerSession[] = []
  #stepAt = Number.POSITIVE_INFINITY

  constructor(wall: Wall, roster: Roster, table: SessionTable) {
    this.#wall = wall
    this.#roster = roster
    this.#table = table
    this.#toldAheadMs = wall.aheadMs
  }

  tick(now: number): void {
    if (Math.abs(this.#wall.aheadMs - this.#toldAheadMs) >= LEAST_MS) this.#begin(now)
    if (now < this.#stepAt) return
    const body = encodeTime(this.#wall.at(now))
    for (const each of this.#left.splice(-A_STEP)) {
      if (each.stage !== 'ended') this.#table.send(each, FRAME.TIME, body)
    }
    this.#stepAt = this.#left.length > 0 ? now + STEP_MS : Number.POSITIVE_INFINITY
  }

  deadline(): number {
    return this.#stepAt
  }

  #begin(now: number): void {
    this.#toldAheadMs = this.#wall.aheadMs
    this.#left = [...this.#roster.all()]
    this.#stepAt = now
  }
}
