import { LIMITS } from '../../limits.ts'
import { FRAME } from '../../wire/numbers.ts'
import { encodeFound, encodeFoundEnd, type Find } from '../../wire/presence.ts'
import { takeAllowance } from './allowances.ts'
import type { Asks, ReplyTo } from './asks.ts'
import type { CheckpointCounters } from './counters.ts'
import type { PeerSession } from './peer-session.ts'
import type { SessionTable } from './session-table.ts'

/** Cost of a search in requests. A search costs the tables more than several messages. */
const COST = 5

/** Searches by filter: answers FIND with FOUND frames and a FOUND_END. */
export class Finds {
  readonly #asks: Asks
  readonly #table: SessionTable
  readonly #counters: CheckpointCounters

  constructor(asks: Asks, table: SessionTable, counters: CheckpointCounters) {
    this.#asks = asks
    this.#table = table
    this.#counters = counters
  }

  find(of: PeerSession, { request, limit, filter }: Find, now: number): void {
    this.#counters.finds++
    if (of.finds >= LIMITS.findsAtOnce || !takeAllowance(of, COST, now)) {
      this.#counters.rateLimited++
      this.#end(of, request, 0, false, 'too many requests')
      return
    }
    of.finds++
    const { peer, user, networks } = of
    const asker = { peer, user }
    this.#asks.ask(
      { kind: 'find', asker, networks, filter, limit: Math.min(limit, LIMITS.pageSize) },
      (reply) => this.#show(of, request, reply),
      now,
    )
  }

  #show(of: PeerSession, request: number, reply: ReplyTo<'find'>): void {
    of.finds--
    if (reply.kind === 'failed') {
      this.#end(of, request, 0, false, 'the index did not answer')
      return
    }
    const fits = reply.found.slice(0, Math.max(0, of.session.room - 1))
    for (const record of fits) this.#table.send(of, FRAME.FOUND, encodeFound({ request, record }))
    const more = reply.more || fits.length < reply.found.length
    this.#end(of, request, fits.length, more, reply.invalid ?? '')
  }

  #end(of: PeerSession, request: number, count: number, more: boolean, error: string): void {
    this.#table.send(of, FRAME.FOUND_END, encodeFoundEnd({ request, count, more, error }))
  }
}
