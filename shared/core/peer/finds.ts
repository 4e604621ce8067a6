/** Searches that have no answer yet. Their results come in order; a new session asks again from the start. */
import type { PresenceRecord } from '../../presence.ts'
import type { Find, Found, FoundEnd } from '../../wire/presence.ts'
import type { PeerEffect } from './events.ts'

interface Search {
  readonly id: number
  readonly filter: string
  readonly limit: number
  request: number
  sent: boolean
  records: PresenceRecord[]
}

export class Finds {
  #searches: Search[] = []
  #nextRequest = 1

  add(id: number, filter: string, limit: number): void {
    this.#searches.push({ id, filter, limit, request: this.#nextRequest++, sent: false, records: [] })
  }

  /** Hands out what was not sent yet, until `take` returns false. */
  send(take: (find: Find) => boolean): void {
    for (const search of this.#searches) {
      if (!search.sent && !take(search)) return
      search.sent = true
    }
  }

  restart(): void {
    for (const search of this.#searches) {
      Object.assign(search, { request: this.#nextRequest++, sent: false, records: [] })
    }
  }

  takeFound({ request, record }: Found): undefined {
    this.#searches.find((search) => search.request === request)?.records.push(record)
  }

  takeEnd({ request, more, error }: FoundEnd): PeerEffect | undefined {
    const search = this.#searches.find((each) => each.request === request)
    if (search === undefined) return undefined
    this.#searches = this.#searches.filter((each) => each !== search)
    return { kind: 'found', id: search.id, records: search.records, more, error }
  }
}
