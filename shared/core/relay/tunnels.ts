import type { Grant } from '../../crypto/grant.ts'
import type { TunnelId } from '../../ids.ts'

/**
 * The admitted tunnels. Each has two adjacent places for its legs: a leg is a number, and the other leg of `leg` is `leg ^ 1`.
 * A tunnel keeps its places, and its legs their last stamps, until its grants expire, so an old BIND cannot bring back a leg
 * that was given up. A tunnel without legs makes room earlier only if no place is left.
 */
export class Tunnels {
  readonly #ids: (TunnelId | undefined)[]
  readonly #keys: string[]
  readonly #expiresAt: Float64Array
  readonly #stamps: Float64Array
  readonly #places = new Map<string, number>()
  readonly #unused: number[] = []
  /** Places from here on have never been used. */
  #end = 0
  /** Place at which the search for room continues. */
  #next = 0

  constructor(capacity: number) {
    this.#ids = new Array<TunnelId | undefined>(capacity).fill(undefined)
    this.#keys = new Array<string>(capacity).fill('')
    this.#expiresAt = new Float64Array(capacity)
    this.#stamps = new Float64Array(capacity * 2)
  }

  get size(): number {
    return this.#places.size
  }

  /** All legs are numbered below this. */
  get end(): number {
    return this.#end * 2
  }

  /** The leg of a grant; -1 if its tunnel has no place. */
  legOf(grant: Grant): number {
    const place = this.#places.get(keyOf(grant))
    return place === undefined ? -1 : place * 2 + grant.leg
  }

  /** Gives the tunnel a place and returns the grant's leg; -1 if every place has a leg that `isBusy`. */
  admit(grant: Grant, isBusy: (leg: number) => boolean): number {
    const place = this.#unused.pop() ?? this.#fresh() ?? this.#replace(isBusy)
    if (place === undefined) return -1
    const key = keyOf(grant)
    this.#ids[place] = grant.tunnel
    this.#keys[place] = key
    this.#places.set(key, place)
    this.#expiresAt[place] = grant.expiresAt
    this.#stamps.fill(-1, place * 2, place * 2 + 2)
    return place * 2 + grant.leg
  }

  idOf(leg: number): TunnelId {
    return this.#ids[leg >>> 1]!
  }

  /** Stamp of the newest claim for the leg; -1 before the first. */
  stampOf(leg: number): number {
    return this.#stamps[leg]!
  }

  setStamp(leg: number, stamp: number): void {
    this.#stamps[leg] = stamp
  }

  /** Forgets tunnels that have no legs and whose grants have expired. */
  forget(wallNow: number, isBusy: (leg: number) => boolean): void {
    for (let place = 0; place < this.#end; place++) {
      if (this.#ids[place] === undefined || this.#expiresAt[place]! > wallNow) continue
      if (isBusy(place * 2) || isBusy(place * 2 + 1)) continue
      this.#drop(place)
      this.#unused.push(place)
    }
  }

  #fresh(): number | undefined {
    return this.#end < this.#ids.length ? this.#end++ : undefined
  }

  #replace(isBusy: (leg: number) => boolean): number | undefined {
    for (let looked = 0; looked < this.#end; looked++) {
      const place = this.#next++ % this.#end
      if (isBusy(place * 2) || isBusy(place * 2 + 1)) continue
      this.#drop(place)
      return place
    }
    return undefined
  }

  #drop(place: number): void {
    this.#places.delete(this.#keys[place]!)
    this.#ids[place] = undefined
  }
}

/** The key of a tunnel. Both legs have the same key, and no other leg has it, because a grant names both peers. */
function keyOf({ tunnel, leg, self, other }: Grant): string {
  return leg === 0 ? `${tunnel}.${self}.${other}` : `${tunnel}.${other}.${self}`
}
