/** The records behind a roster, without the emitter, which differs between Node and browsers. */
import type { PeerId } from '../ids.ts'
import type { PresenceRecord } from '../presence-record.ts'

/** Events of a roster, with the arguments of their listeners. */
export interface RosterEvents {
  /** A peer came online, or was already in the list when the listener was added. */
  enter: [record: PresenceRecord]
  /** The status, custom text, metadata or a name of a peer changed. */
  change: [record: PresenceRecord, before: PresenceRecord]
  /** A peer went offline, or no longer shares a network with this peer. `last` is its last known record. */
  leave: [last: PresenceRecord]
}

/** Options of `Roster.ready`. */
export interface ReadyOptions {
  /** Stops waiting; the promise rejects with `closed`. */
  readonly signal?: AbortSignal
}

/** Internal: the source that a roster gets its records from. */
export interface RosterSource {
  /** Resolves when the initial records have been delivered. */
  readonly read: (signal: AbortSignal | undefined) => Promise<void>
  /** Reports the rejection of an async listener. */
  readonly failed: (error: unknown) => void
  /** Sets the receiver of the updates. */
  readonly attach: (tell: RosterTold) => void
}

/** Internal: the updates that a roster receives. */
export interface RosterTold {
  /** A new record of a peer; one that is `offline` removes the peer from the list. */
  heard(record: PresenceRecord): void
  /** Removes the peer from the list. */
  gone(peer: PeerId): void
}

/** Internal: receives what changed in the list. */
export interface RosterNews {
  enter(record: PresenceRecord): void
  change(record: PresenceRecord, before: PresenceRecord): void
  leave(last: PresenceRecord): void
}

export class RosterRecords implements RosterTold {
  readonly #records = new Map<PeerId, PresenceRecord>()
  readonly #news: RosterNews

  constructor(news: RosterNews) {
    this.#news = news
  }

  get size(): number {
    return this.#records.size
  }

  get(peer: PeerId): PresenceRecord | undefined {
    return this.#records.get(peer)
  }

  all(): PresenceRecord[] {
    return [...this.#records.values()]
  }

  heard(record: PresenceRecord): void {
    if (record.status === 'offline') {
      this.gone(record.peer)
      return
    }
    const before = this.#records.get(record.peer)
    this.#records.set(record.peer, record)
    if (before === undefined) this.#news.enter(record)
    else if (!looksSame(record, before)) this.#news.change(record, before)
  }

  gone(peer: PeerId): void {
    const last = this.#records.get(peer)
    this.#records.delete(peer)
    if (last !== undefined) this.#news.leave(last)
  }
}

function looksSame(one: PresenceRecord, other: PresenceRecord): boolean {
  const look = ({ status, custom, metadata, name, userName }: PresenceRecord) =>
    JSON.stringify([status, custom, name, userName, Object.entries(metadata).sort(byName)])
  return look(one) === look(other)
}

const byName = ([one]: [string, unknown], [other]: [string, unknown]): number => (one < other ? -1 : 1)
