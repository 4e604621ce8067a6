import { checkPeer, checkSignal, taken } from '../shared/arguments.ts'
import { throwLater } from '../shared/client/pause.ts'
import {
  type ReadyOptions,
  type RosterEvents,
  RosterRecords,
  type RosterSource,
} from '../shared/client/roster-records.ts'
import type { PeerId } from '../shared/ids.ts'
import type { PresenceRecord } from '../shared/presence-record.ts'
import { Emitter } from './emitter.ts'

/**
 * A live list of the peers of this peer's networks that are not offline. A new `enter` listener is first called for every
 * peer that is already in the list. While this peer is offline itself, their status is `unknown`.
 */
export class Roster extends Emitter<RosterEvents> implements Iterable<PresenceRecord> {
  readonly #records = new RosterRecords({
    enter: (record) => this.emit('enter', record),
    change: (record, before) => this.emit('change', record, before),
    leave: (last) => this.emit('leave', last),
  })
  readonly #source: RosterSource

  /** Internal: applications get the roster from `peer.roster`. */
  constructor(source: RosterSource) {
    super({
      rejected: source.failed,
      listened: (event, added) => event === 'enter' && added !== undefined && this.#tellFirst(added),
    })
    this.#source = source
    source.attach(this.#records)
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

  /** Calls one new `enter` listener for the peers that are already in the list, after the current turn. */
  #tellFirst(listener: (...told: never[]) => unknown): void {
    const there = this.#records.all()
    queueMicrotask(() => {
      for (const { peer } of there) {
        const record = this.#records.get(peer)
        if (record === undefined || !this.hasListener('enter', listener)) continue
        try {
          this.call(listener, [record])
        } catch (error) {
          throwLater(error)
        }
      }
    })
  }
}
