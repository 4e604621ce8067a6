import type { Grant } from '../../crypto/grant.ts'
import type { TunnelId } from '../../ids.ts'

/**
 * The tunnels that were let in. Each has two places side by side for its legs, so legs are numbers and the other leg of
 * `leg` is `leg ^ 1`. A tunnel keeps its places, and its legs their last stamps, while its grants last: no old BIND brings a
 * leg back that was given up. Only where no place is left does a tunnel without legs make room early.
 */
export class Tunnels {
  readonly #ids: (TunnelId | undefined)[]
  readonly #keys: string[]
  readonly #expiresAt: Float64Array
  readonly #stamps: Float64Array
  readonly #places = new Map<string, number>()
  readonly #unused: number[] = []
  /** Places from here on were never used. */
  #end = 0
  /** Where the search for room goes on. */
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

  /** -1 where the tunnel of the grant has no place. */
  legOf(grant: Grant): number {
    const place = this.#places.get(keyOf(grant))
    return place === undefined ? -1 : place * 2 + grant.leg
  }

  /** Gives the tunnel a place and returns the grant's leg; -1 where all places have a leg that `isBusy`. */
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

  /** That of the newest claim for the leg; -1 before the first. */
  stampOf(leg: number): number {
    return this.#stamps[leg]!
  }

  setStamp(leg: number, stamp: number): void {
    this.#stamps[leg] = stamp
  }

  /** Forgets tunnels without legs whose grants have ended. */
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

/** Both legs of a tunnel have the same, and only with each other: a grant names both peers. */
function keyOf({ tunnel, leg, self, other }: Grant): string {
  return leg === 0 ? `${tunnel}.${self}.${other}` : `${tunnel}.${other}.${self}`
}
