/**
 * A live list of the peers of this peer's networks that are not offline. A new `enter` listener is first called for
 * every peer that is already in the list, so the list and the events together miss nothing.
 */
import { EventEmitter } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import { checkPeer, checkSignal, taken } from '../shared/arguments.ts'
import type { PeerId } from '../shared/ids.ts'
import type { PresenceRecord } from '../shared/presence-record.ts'

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

/** The peers that are not offline now. While this peer is offline itself, their status is `unknown`. */
export class Roster extends EventEmitter<RosterEvents> implements Iterable<PresenceRecord> {
  readonly #records = new Map<PeerId, PresenceRecord>()
  readonly #source: RosterSource

  /** Internal: applications get the roster from `peer.roster`. */
  constructor(source: RosterSource) {
    super({ captureRejections: true })
    this.#source = source
    source.attach({ heard: (record) => this.#heard(record), gone: (peer) => this.#gone(peer) })
    ;(this as EventEmitter).on('newListener', (event, listener) => {
      if (event === 'enter') this.#tellFirst([...this.#records.values()], listener)
    })
  }

  /** Number of peers in the list. */
  get size(): number {
    return this.#records.size
  }

  /** The record of a peer; undefined if the peer is not in the list. Throws `bad-request` if `peer` is not a peer id. */
  get(peer: PeerId): PresenceRecord | undefined {
    checkPeer(peer, 'peer')
    return this.#records.get(peer)
  }

  /** Iterates over a copy of the current records. */
  [Symbol.iterator](): IterableIterator<PresenceRecord> {
    return [...this.#records.values()][Symbol.iterator]()
  }

  /**
   * Resolves when all current peers have been read from INDEX; immediately if that is done. Rejects with `unavailable`
   * if INDEX did not answer (the next call tries again), and `closed` if `signal` aborted or the peer was closed.
   */
  async ready(options: ReadyOptions = {}): Promise<void> {
    const { signal } = taken(options)
    checkSignal(signal)
    return this.#source.read(signal)
  }

  /** Handles the rejection of an async listener. */
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

  /** Calls one new `enter` listener for the peers that are already in the list, after the current turn. */
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

/** The listener inside the wrapper that `once` makes. */
const listenerOf = (raw: object): unknown => ('listener' in raw ? raw.listener : undefined)

function looksSame(one: PresenceRecord, other: PresenceRecord): boolean {
  const look = ({ status, custom, metadata, name, userName }: PresenceRecord) => ({
    ...{ status, custom, metadata, name, userName },
  })
  return isDeepStrictEqual(look(one), look(other))
}
