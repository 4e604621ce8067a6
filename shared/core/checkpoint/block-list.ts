/**
 * The peers and users that a user blocks, at eight bytes each. A key is the first 50 bits of an id; ids are evenly spread, so
 * these bits suffice to distinguish them.
 */
import { BASE32_LETTERS, type PeerId, type UserId } from '../../ids.ts'

const LETTERS = 10
const BASE = 32
/** Added to the keys of users; greater than every key of a peer. */
const USER = BASE ** LETTERS

export class BlockList {
  readonly version: number
  /** True if the list contains users, so that the user of a peer matters. */
  readonly hasUsers: boolean
  readonly #keys: Float64Array

  constructor(version: number, blocked: readonly (PeerId | UserId)[]) {
    this.version = version
    this.#keys = Float64Array.from(blocked, keyOf).sort()
    this.hasUsers = (this.#keys.at(-1) ?? 0) >= USER
  }

  get size(): number {
    return this.#keys.length
  }

  has(one: PeerId | UserId): boolean {
    const key = keyOf(one)
    let [low, high] = [0, this.#keys.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#keys[middle]! < key) low = middle + 1
      else high = middle
    }
    return this.#keys[low] === key
  }
}

function keyOf(id: PeerId | UserId): number {
  const isUser = id.startsWith('u_')
  let key = 0
  for (const letter of id.slice(isUser ? 2 : 0, (isUser ? 2 : 0) + LETTERS))
    key = key * BASE + BASE32_LETTERS.indexOf(letter)
  return isUser ? USER + key : key
}
