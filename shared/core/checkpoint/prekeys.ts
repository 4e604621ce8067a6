import { FRAME } from '../../wire/numbers.ts'
import { decodePrekey, encodePrekeyAnswer, type PrekeyQuestion, prekeyNumber } from '../../wire/prekeys.ts'
import { takeAllowance } from './allowances.ts'
import type { CheckpointCounters } from './counters.ts'
import type { Locator, Whereabouts } from './locator.ts'
import { areRelated, type PeerSession } from './peer-session.ts'
import type { Roster } from './roster.ts'
import type { SessionTable } from './session-table.ts'

const NONE = new Uint8Array(0)

export interface PrekeysOptions {
  readonly table: SessionTable
  readonly roster: Roster
  readonly locator: Locator
  readonly counters: CheckpointCounters
}

/**
 * Answers which prekey another peer has published: from its session if it is here, otherwise from the tables. A peer
 * that is not related to the asker has none. If the tables do not answer, neither does the node: the peer asks again.
 */
export class Prekeys {
  readonly #options: PrekeysOptions

  constructor(options: PrekeysOptions) {
    this.#options = options
  }

  answer(of: PeerSession, question: PrekeyQuestion, now: number): void {
    const { roster, table, counters } = this.#options
    if (!takeAllowance(of, 1, now)) {
      counters.rateLimited++
      return
    }
    const other = roster.get(question.peer)
    const here = other && areRelated(of, other) ? table.prekeyOf(other) : undefined
    if (here !== undefined) this.#tell(of, question, here)
    else this.#look(of, question, now)
  }

  /** Looks the peer up. A remembered answer that has the prekey which the asker has already may be out of date. */
  #look(of: PeerSession, question: PrekeyQuestion, now: number): void {
    const { locator } = this.#options
    const { peer, known } = question
    let isFirst = known !== 0
    const then = (where: Whereabouts, at: number): void => {
      if (where === 'failed') return
      const prekey = where !== undefined && areRelated(of, where) ? where.prekey : undefined
      const isOutdated = isFirst && numberOf(prekey) === known
      isFirst = false
      if (isOutdated) locator.forget(peer)
      if (isOutdated) locator.locate(peer, of, then, at)
      else this.#tell(of, question, prekey ?? NONE)
    }
    locator.locate(peer, of, then, now)
  }

  #tell(of: PeerSession, { peer }: PrekeyQuestion, prekey: Uint8Array): void {
    if (of.stage === 'online')
      this.#options.table.send(of, FRAME.PREKEY, encodePrekeyAnswer({ peer, prekey }))
  }
}

function numberOf(bytes: Uint8Array | undefined): number {
  const prekey = bytes && decodePrekey(bytes)
  return prekey === undefined ? 0 : prekeyNumber(prekey.key)
}
