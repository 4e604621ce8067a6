/**
 * A cache of the names of peers and users: read from INDEX once, then updated from the changes that the peer hears of.
 * A record waits at most WAIT_MS for its names. If INDEX does not answer in time, the names are empty.
 */
import type { PeerId, UserId } from '../ids.ts'
import type { PresenceRecord as Presence } from '../presence.ts'
import type { PresenceRecord } from '../presence-record.ts'
import type { IndexClient } from '../rest-client/index-client.ts'
import type { Change } from '../wire/presence.ts'
import { pause } from './pause.ts'

const WAIT_MS = 2000
/** Requests to INDEX at the same time. */
const MOST_ASKED = 8
/** Capacity for peers, and the same for users. The oldest entry is evicted first. */
const MOST_KNOWN = 10_000

type Subject = PeerId | UserId

export class Names {
  readonly #index: Pick<IndexClient, 'peers' | 'users'>
  readonly #known = new Map<Subject, string>()
  readonly #asked = new Map<Subject, Promise<void>>()
  readonly #waiting: (() => void)[] = []
  #asking = 0

  constructor(index: Pick<IndexClient, 'peers' | 'users'>) {
    this.#index = index
  }

  learn(subject: Subject, name: string): void {
    this.#known.delete(subject)
    this.#known.set(subject, name)
    if (this.#known.size > 2 * MOST_KNOWN) this.#known.delete(this.#known.keys().next().value!)
  }

  isKnown(subject: Subject): boolean {
    return this.#known.has(subject)
  }

  /** Applies a change. Returns true if a known name changed. */
  changed(change: Change): boolean {
    if (change.kind !== 'metadata' || (change.entity !== 'peer' && change.entity !== 'user')) return false
    const subject = change.id as Subject
    const name = (change.value as { readonly name?: unknown } | undefined)?.name
    const before = this.#known.get(subject)
    if (typeof name === 'string') this.learn(subject, name)
    else this.#known.delete(subject)
    return before !== undefined && before !== name
  }

  /** Adds the names to a record; undefined if one of them is not cached. */
  now(record: Presence): PresenceRecord | undefined {
    const [name, userName] = [this.#known.get(record.peer), this.#known.get(record.user)]
    return name === undefined || userName === undefined ? undefined : { ...record, name, userName }
  }

  /** Adds the names to a record, and asks INDEX for those that are not cached. Never rejects. */
  async of(record: Presence): Promise<PresenceRecord> {
    const known = this.now(record)
    if (known !== undefined) return known
    const { peer, user } = record
    const asked = Promise.all([
      this.#ask(peer, () => this.#index.peers.get(peer)),
      this.#ask(user, () => this.#index.users.get(user)),
    ])
    const given = new AbortController()
    await Promise.race([asked, pause(WAIT_MS, given.signal)])
    given.abort()
    return { ...record, name: this.#known.get(peer) ?? '', userName: this.#known.get(user) ?? '' }
  }

  #ask(subject: Subject, get: () => Promise<{ readonly name: string }>): Promise<void> {
    if (this.#known.has(subject)) return Promise.resolve()
    const asked = this.#asked.get(subject) ?? this.#answered(subject, get)
    this.#asked.set(subject, asked)
    return asked
  }

  async #answered(subject: Subject, get: () => Promise<{ readonly name: string }>): Promise<void> {
    if (this.#asking === MOST_ASKED) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#asking++
    try {
      this.learn(subject, (await get()).name)
    } catch {
      // The name stays unknown; the next record asks again.
    } finally {
      this.#asked.delete(subject)
      const next = this.#waiting.shift()
      if (next === undefined) this.#asking--
      else next()
    }
  }
}
