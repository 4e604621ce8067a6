import type { Random } from '../../crypto/random.ts'
import type { TunnelId } from '../../ids.ts'
import { HANDSHAKE_BIT } from '../../wire/common-port.ts'
import { Deadlines } from '../session/deadlines.ts'
import type { Session } from '../session/session.ts'
import type { Leg } from './leg.ts'
import { Pair } from './pair.ts'

export const SIDES = [0, 1] as const
export type Side = (typeof SIDES)[number]

/** The pair and side that a session belongs to. */
export interface Seat {
  readonly pair: Pair
  readonly side: Side
  readonly session: Session
}

/** All pairs: by tunnel, by the index of each of their sessions, and by deadline. */
export class Pairs {
  readonly #random: Random
  readonly #byTunnel = new Map<TunnelId, Pair>()
  readonly #bySlot: (Pair | undefined)[] = []
  readonly #freeSlots: number[] = []
  readonly #seats = new Map<number, Seat>()
  readonly #deadlines = new Deadlines()

  constructor(random: Random) {
    this.#random = random
  }

  get size(): number {
    return this.#byTunnel.size
  }

  [Symbol.iterator](): IterableIterator<Pair> {
    return this.#byTunnel.values()
  }

  get(tunnel: TunnelId): Pair | undefined {
    return this.#byTunnel.get(tunnel)
  }

  add(tunnel: TunnelId, now: number): Pair {
    const slot = this.#freeSlots.pop() ?? this.#bySlot.length
    const pair = new Pair(tunnel, slot, now)
    this.#bySlot[slot] = pair
    this.#byTunnel.set(tunnel, pair)
    return pair
  }

  remove(pair: Pair): void {
    for (const leg of pair.legs) if (leg !== undefined) this.#unseatAll(leg)
    this.#byTunnel.delete(pair.tunnel)
    this.#bySlot[pair.slot] = undefined
    this.#freeSlots.push(pair.slot)
    this.#deadlines.clear(pair.slot)
  }

  /** An unused index for a new session; it is random, so nobody can guess it. Its greatest bit says that it is a HANDSHAKE's. */
  freeIndex(): number {
    for (;;) {
      const index = (this.#random.u32() | HANDSHAKE_BIT) >>> 0
      if (!this.#seats.has(index)) return index
    }
  }

  seat(index: number): Seat | undefined {
    return this.#seats.get(index)
  }

  sit(seat: Seat): void {
    this.#seats.set(seat.session.index, seat)
  }

  unseat(session: Session | undefined): void {
    if (session !== undefined) this.#seats.delete(session.index)
  }

  schedule(pair: Pair): void {
    this.#deadlines.set(pair.slot, pair.deadline())
  }

  /** A pair that is due; undefined if none is left. */
  takeDue(now: number): Pair | undefined {
    const slot = this.#deadlines.take(now)
    return slot < 0 ? undefined : this.#bySlot[slot]
  }

  deadline(): number {
    return this.#deadlines.next()
  }

  #unseatAll({ session, pending }: Leg): void {
    this.unseat(session)
    this.unseat(pending?.session)
  }
}
