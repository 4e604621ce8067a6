/**
 * Who is there: the peers of this peer's networks that are not offline, as a list that follows what happens. A new
 * listener for `enter` is first told of everybody who is there already, so that list and events together miss nothing.
 */
import { EventEmitter } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import type { PeerId } from '../shared/ids.ts'
import { checkPeer, checkSignal, taken } from './arguments.ts'
import type { PresenceRecord } from './presence-record.ts'

/** What happens to a roster, and what its listeners are given. */
export interface RosterEvents {
  /** Somebody is there now, or was when the listener was added. */
  enter: [record: PresenceRecord]
  /** Somebody's status, custom text, metadata or name is another one. */
  change: [record: PresenceRecord, before: PresenceRecord]
  /** Somebody went offline, or shares no network with this peer any more; `last` is what was known. */
  leave: [last: PresenceRecord]
}

/** Of `ready`. */
export interface ReadyOptions {
  /** Aborted: no longer waits. */
  readonly signal?: AbortSignal
}

/** Where a roster hears what it shows. */
export interface RosterSource {
  /** Resolves when the first state was told. */
  readonly read: (signal: AbortSignal | undefined) => Promise<void>
  /** A listener that is async rejected. */
  readonly failed: (error: unknown) => void
  /** Whom to tell. */
  readonly attach: (tell: RosterTold) => void
}

/** What a roster is told. */
export interface RosterTold {
  /** Whatever was heard of a peer. */
  heard(record: PresenceRecord): void
  /** It is not there any more. */
  gone(peer: PeerId): void
}

/** The peers that are there now. While this peer is offline itself, their status is `unknown`. */
export class Roster extends EventEmitter<RosterEvents> implements Iterable<PresenceRecord> {
  readonly #records = new Map<PeerId, PresenceRecord>()
  readonly #source: RosterSource

  /** Rosters come from `peer.roster`. */
  constructor(source: RosterSource) {
    super({ captureRejections: true })
    this.#source = source
    source.attach({ heard: (record) => this.#heard(record), gone: (peer) => this.#gone(peer) })
    ;(this as EventEmitter).on('newListener', (event, listener) => {
      if (event === 'enter') this.#tellFirst([...this.#records.values()], listener)
    })
  }

  /** How many are there. */
  get size(): number {
    return this.#records.size
  }

  /** Undefined if that peer is not there. Throws `bad-request` if it is no id. */
  get(peer: PeerId): PresenceRecord | undefined {
    checkPeer(peer, 'peer')
    return this.#records.get(peer)
  }

  /** Everybody, as they are now. */
  [Symbol.iterator](): IterableIterator<PresenceRecord> {
    return [...this.#records.values()][Symbol.iterator]()
  }

  /**
   * Resolves when everybody who was there has been read from INDEX, at once if that is done. Rejects with `unavailable` if
   * INDEX did not answer (a later call asks again), and `closed` (`signal`, or the peer was closed).
   */
  async ready(options: ReadyOptions = {}): Promise<void> {
    const { signal } = taken(options)
    checkSignal(signal)
    return this.#source.read(signal)
  }

  /** A listener that is async and fails. */
  [Symbol.for('nodejs.rejection')](error: unknown): void {
    this.#source.failed(error)
  }

  #heard(record: PresenceRecord): void {
    if (record.status === 'offline') {
      this.#gone(record.peer)
      return
    }
    const before = this.#records.get(record.peer)
    this.#records.set(record.peer, record)
    if (before === undefined) this.emit('enter', record)
    else if (!looksSame(record, before)) this.emit('change', record, before)
  }

  #gone(peer: PeerId): void {
    const last = this.#records.get(peer)
    this.#records.delete(peer)
    if (last !== undefined) this.emit('leave', last)
  }

  /** Tells one listener alone, when whoever adds it has done so. */
  #tellFirst(there: readonly PresenceRecord[], listener: Listener): void {
    queueMicrotask(() => {
      for (const { peer } of there) {
        const record = this.#records.get(peer)
        const added = this.rawListeners('enter').find(
          (raw) => raw === listener || listenerOf(raw) === listener,
        )
        if (record === undefined || added === undefined) continue
        const done: unknown = Reflect.apply(added, this, [record])
        if (done instanceof Promise) done.catch(this.#source.failed)
      }
    })
  }
}

type Listener = (record: PresenceRecord) => void

/** Of one that `once` wrapped. */
const listenerOf = (raw: object): unknown => ('listener' in raw ? raw.listener : undefined)

function looksSame(one: PresenceRecord, other: PresenceRecord): boolean {
  const look = ({ status, custom, metadata, name, userName }: PresenceRecord) => ({
    ...{ status, custom, metadata, name, userName },
  })
  return isDeepStrictEqual(look(one), look(other))
}
