/**
 * A live list of the peers of this peer's networks that are not offline. A new `enter` listener is first called for
 * every peer that is already in the list, so the list and the events together miss nothing.
 */
import { EventEmitter } from 'node:events'
import { checkPeer, checkSignal, taken } from '../shared/arguments.ts'
import {
  type ReadyOptions,
  type RosterEvents,
  RosterRecords,
  type RosterSource,
} from '../shared/client/roster-records.ts'
import type { PeerId } from '../shared/ids.ts'
import type { PresenceRecord } from '../shared/presence-record.ts'

/** The peers that are not offline now. While this peer is offline itself, their status is `unknown`. */
export class Roster extends EventEmitter<RosterEvents> implements Iterable<PresenceRecord> {
  readonly #records = new RosterRecords({
    enter: (record) => this.emit('enter', record),
    change: (record, before) => this.emit('change', record, before),
    leave: (last) => this.emit('leave', last),
  })
  readonly #source: RosterSource

  /** Internal: applications get the roster from `peer.roster`. */
  constructor(source: RosterSource) {
    super({ captureRejections: true })
    this.#source = source
    source.attach(this.#records)
    ;(this as EventEmitter).on('newListener', (event, listener) => {
      if (event === 'enter') this.#tellFirst(this.#records.all(), listener)
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
    return this.#records.all()[Symbol.iterator]()
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
