/** Searches that have no answer yet. Their results come in order; a new session asks again from the start. */
import { LIMITS } from '../../limits.ts'
import type { PresenceRecord } from '../../presence.ts'
import { encodeFind, type Find, type Found, type FoundEnd } from '../../wire/presence.ts'
import type { PeerEffect } from './events.ts'

/** What a node says to a search that it refuses for now. */
export const TOO_MANY = 'too many requests'
/** A search that a node refused for now is asked again after this. */
const POSTPONE_MS = 1000
/** A search that is not answered is given up this long after it was asked for, whether a session took it or not. */
const GIVE_UP_MS = 30_000
const NEVER = Number.POSITIVE_INFINITY

interface Search {
  readonly id: number
  readonly filter: string
  readonly limit: number
  readonly giveUpAt: number
  request: number
  sent: boolean
  /** When it may be sent. */
  dueAt: number
  records: PresenceRecord[]
}

export class Finds {
  #searches: Search[] = []
  #nextRequest = 1

  /** Throws where a search cannot be encoded: what can never be sent must not wait here. */
  add(id: number, filter: string, limit: number, now: number): void {
    const request = this.#nextRequest++
    encodeFind({ request, filter, limit })
    const giveUpAt = now + GIVE_UP_MS
    this.#searches.push({ id, filter, limit, giveUpAt, request, sent: false, dueAt: 0, records: [] })
  }

  /** Hands out what was not sent yet, as many as a node answers at the same time, until `take` returns false. */
  send(now: number, take: (find: Find) => boolean): void {
    let asked = this.#searches.filter(({ sent }) => sent).length
    for (const search of this.#searches) {
      if (search.sent || search.dueAt > now) continue
      if (asked >= LIMITS.findsAtOnce || !take(search)) return
      search.sent = true
      asked++
    }
  }

  /** When `send` has something to hand out; 0: now. */
  deadline(): number {
    const asked = this.#searches.filter(({ sent }) => sent).length
    if (asked >= LIMITS.findsAtOnce) return NEVER
    return Math.min(NEVER, ...this.#searches.filter(({ sent }) => !sent).map(({ dueAt }) => dueAt))
  }

  /** The application does not wait for it any more. */
  withdraw(id: number): void {
    this.#searches = this.#searches.filter((search) => search.id !== id)
  }

  /** Ids of searches that were not answered in time; they are given up. */
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
