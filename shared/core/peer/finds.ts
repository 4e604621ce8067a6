/** Searches that have no answer yet. Results come in order; a new session repeats a search from the start. */
import { LIMITS } from '../../limits.ts'
import type { PresenceRecord } from '../../presence.ts'
import { encodeFind, type Find, type Found, type FoundEnd } from '../../wire/presence.ts'
import type { PeerEffect } from './events.ts'

/** The error with which a node refuses a search for now. */
export const TOO_MANY = 'too many requests'
/** Delay before a search is sent again that a node refused for now. */
const POSTPONE_MS = 1000
/** A search is given up this long after the application asked for it, whether it was sent or not. */
const GIVE_UP_MS = 30_000
const NEVER = Number.POSITIVE_INFINITY

interface Search {
  readonly id: number
  readonly filter: string
  readonly limit: number
  readonly giveUpAt: number
  request: number
  sent: boolean
  /** Earliest time at which it may be sent. */
  dueAt: number
  records: PresenceRecord[]
}

export class Finds {
  #searches: Search[] = []
  #nextRequest = 1

  /** Queues a search. Throws if it cannot be encoded, as it could never be sent. */
  add(id: number, filter: string, limit: number, now: number): void {
    const request = this.#nextRequest++
    encodeFind({ request, filter, limit })
    const giveUpAt = now + GIVE_UP_MS
    this.#searches.push({ id, filter, limit, giveUpAt, request, sent: false, dueAt: 0, records: [] })
  }

  /** Passes unsent searches to `take` until it returns false, as many as a node answers at the same time. */
  send(now: number, take: (find: Find) => boolean): void {
    let asked = this.#searches.filter(({ sent }) => sent).length
    for (const search of this.#searches) {
      if (search.sent || search.dueAt > now) continue
      if (asked >= LIMITS.findsAtOnce || !take(search)) return
      search.sent = true
      asked++
    }
  }

  /** Time at which `send` has something to send; 0 for now. */
  deadline(): number {
    const asked = this.#searches.filter(({ sent }) => sent).length
    if (asked >= LIMITS.findsAtOnce) return NEVER
    return Math.min(NEVER, ...this.#searches.filter(({ sent }) => !sent).map(({ dueAt }) => dueAt))
  }

  /** The application no longer waits for the result. */
  withdraw(id: number): void {
    this.#searches = this.#searches.filter((search) => search.id !== id)
  }

  /** Removes the searches that were not answered in time, and returns their ids. */
  expire(now: number): number[] {
    const overdue = this.#searches.filter(({ giveUpAt }) => giveUpAt <= now).map(({ id }) => id)
    for (const id of overdue) this.withdraw(id)
    return overdue
  }

  expiresAt(): number {
    return Math.min(NEVER, ...this.#searches.map(({ giveUpAt }) => giveUpAt))
  }

  restart(): void {
    for (const search of this.#searches) {
      Object.assign(search, { request: this.#nextRequest++, sent: false, records: [] })
    }
  }

  takeFound({ request, record }: Found): undefined {
    this.#searches.find((search) => search.request === request)?.records.push(record)
  }

  takeEnd({ request, more, error }: FoundEnd, now: number): PeerEffect | undefined {
    const search = this.#searches.find((each) => each.request === request)
    if (search === undefined) return undefined
    if (error === TOO_MANY) {
      Object.assign(search, {
        request: this.#nextRequest++,
        sent: false,
        dueAt: now + POSTPONE_MS,
        records: [],
      })
      return undefined
    }
    this.#searches = this.#searches.filter((each) => each !== search)
    return { kind: 'found', id: search.id, records: search.records, more, error }
  }
}
