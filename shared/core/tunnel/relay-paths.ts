/**
 * The relays of one tunnel: usually one leg, two while a new relay takes over from an old one. A leg becomes a path as
 * soon as the relay reports that the other side is bound too, or a packet of the other side comes through it.
 */
import { sameAddress } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import type { Relayed } from '../../wire/handshake.ts'
import { RelayLeg } from '../relay/leg.ts'
import type { PathBook } from './path-book.ts'
import type { Prover } from './prover.ts'

/** The other side may still send to the old relay while it binds at the new one. */
const OVERLAP_MS = 5000

interface Held {
  readonly leg: RelayLeg
  /** Time since which the leg carries data; Infinity if it does not. */
  usableSince: number
}

export class RelayPaths {
  readonly #book: PathBook
  readonly #prover: Prover
  readonly #socket: number
  #held: Held[] = []

  constructor(book: PathBook, prover: Prover, socket: number) {
    this.#book = book
    this.#prover = prover
    this.#socket = socket
  }

  /** True if a leg is bound or being bound. */
  get alive(): boolean {
    return this.#held.some(({ leg }) => leg.state === 'bound' || leg.state === 'binding')
  }

  /** True if every relay in use is draining. */
  get draining(): boolean {
    return this.#held.length > 0 && this.#held.every(({ leg }) => leg.draining)
  }

  /** Binds a leg at this relay. A leg that is bound there already is kept, and its path is examined again. */
  add({ relay, grant, key }: Relayed, out: Batch, now: number): void {
    const same = this.#held.find(({ leg }) => leg.isFrom(relay.words, 0))
    if (same?.leg.state === 'bound') {
      same.usableSince = Number.POSITIVE_INFINITY
      return
    }
    if (same !== undefined) this.#drop(same, out, now)
    const leg = new RelayLeg({ relay, grant, key, socket: this.#socket })
    this.#held.push({ leg, usableSince: Number.POSITIVE_INFINITY })
    // Packets of the other side may come through it before the relay reports that both legs are bound.
    const path = this.#book.reach('relayed', relay.words, 0, this.#socket, now)
    if (path?.state === 'gone') path.state = 'candidate'
    leg.start(out, now)
  }

  /** Handles a datagram of a relay. Undefined if it came from none. */
  take(arrived: Batch, i: number, out: Batch, now: number): 'control' | 'data' | undefined {
    const held = this.#held.find(({ leg }) => leg.isFrom(arrived.address, i * 5))
    return held?.leg.take(arrived, i, out, now)
  }

  /** Notes which datagrams, from slot `from` of `out` on, went through a leg. */
  sent(out: Batch, from: number, now: number): void {
    for (const { leg } of this.#held) {
      for (let i = from; i < out.count; i++) if (leg.isFrom(out.address, i * 5)) leg.sent(now)
    }
  }

  /** This side's address may have changed: binds again so that the relay learns it. */
  rebind(out: Batch, now: number): void {
    for (const { leg } of this.#held) leg.start(out, now)
  }

  tick(out: Batch, now: number): void {
    for (const held of [...this.#held]) {
      held.leg.tick(out, now)
      this.#update(held, out, now)
    }
    const newest = this.#held.at(-1)
    if (newest === undefined || now < newest.usableSince + OVERLAP_MS) return
    for (const held of this.#held.slice(0, -1)) this.#release(held, out, now)
  }

  deadline(): number {
    let least = Number.POSITIVE_INFINITY
    for (const { leg } of this.#held) least = Math.min(least, leg.deadline())
    if (this.#held.length > 1) least = Math.min(least, this.#held.at(-1)!.usableSince + OVERLAP_MS)
    return least
  }

  /** Releases all legs. False if there was none. */
  release(out: Batch, now: number): boolean {
    const had = this.#held.length > 0
    for (const held of [...this.#held]) this.#release(held, out, now)
    return had
  }

  #update(held: Held, out: Batch, now: number): void {
    const { leg } = held
    const usable = leg.state === 'bound' && leg.otherBound
    if (usable && held.usableSince === Number.POSITIVE_INFINITY) {
      held.usableSince = now
      const path = this.#book.reach('relayed', leg.relay.words, 0, this.#socket, now)
      if (path !== undefined) this.#prover.admit(path, out, now)
    } else if (!usable) held.usableSince = Number.POSITIVE_INFINITY
    if (leg.state === 'lost') this.#drop(held, out, now)
  }

  #release(held: Held, out: Batch, now: number): void {
    held.leg.release(out, now)
    this.#drop(held, out, now)
  }

  #drop(held: Held, out: Batch, now: number): void {
    this.#held = this.#held.filter((it) => it !== held)
    const { words } = held.leg.relay
    if (this.#held.some(({ leg }) => sameAddress(leg.relay.words, 0, words, 0))) return
    const path = this.#book.find(words, 0, this.#socket)
    if (path?.kind === 'relayed') this.#prover.dismiss(path, out, now)
  }
}
