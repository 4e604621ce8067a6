import { ADDRESS_WORDS, sameAddress } from './address.ts'
import { type HashKey, keyedHash } from './keyed-hash.ts'

/**
 * Linear probing stays short below this load: on average 2.5 places for an address that is present, 8.5 for one that is
 * not.
 */
const MAX_LOAD = 0.75

/**
 * A map from address to u32 in typed arrays. An entry needs no object and no string, so a lookup for each datagram
 * allocates nothing. It uses open addressing, with a hash under a secret key. A deletion closes its gap, so there are
 * no tombstones. The table doubles when it is full and never shrinks: a caller that fills it from the network must
 * bound it.
 */
export class AddressTable {
  readonly #key: HashKey
  /** 0 for a free place. */
  #hashes: Uint32Array
  #addresses: Uint32Array
  #values: Uint32Array
  #mask: number
  #size = 0

  constructor(key: HashKey, capacity = 64) {
    const places = 2 ** Math.ceil(Math.log2(Math.max(8, capacity / MAX_LOAD)))
    this.#key = key
    this.#mask = places - 1
    this.#hashes = new Uint32Array(places)
    this.#addresses = new Uint32Array(places * ADDRESS_WORDS)
    this.#values = new Uint32Array(places)
  }

  get size(): number {
    return this.#size
  }

  /** -1 if the address is not in the table. */
  get(words: Uint32Array, at = 0): number {
    const place = this.#find(this.#hashOf(words, at), words, at)
    return this.#hashes[place] === 0 ? -1 : this.#values[place]!
  }

  set(words: Uint32Array, at: number, value: number): void {
    const hash = this.#hashOf(words, at)
    let place = this.#find(hash, words, at)
    if (this.#hashes[place] === 0) {
      if (this.#size + 1 > (this.#mask + 1) * MAX_LOAD) {
        this.#grow()
        place = this.#find(hash, words, at)
      }
      this.#size++
      this.#put(place, hash, words, at)
    }
    this.#values[place] = value
  }

  /** False if the address was not in the table. */
  delete(words: Uint32Array, at = 0): boolean {
    const place = this.#find(this.#hashOf(words, at), words, at)
    if (this.#hashes[place] === 0) return false
    this.#close(place)
    this.#size--
    return true
  }

  clear(): void {
    this.#hashes.fill(0)
    this.#size = 0
  }

  #hashOf(words: Uint32Array, at: number): number {
    return keyedHash(words, at, ADDRESS_WORDS, this.#key) || 1
  }

  /** The place of the address, or the free place where it belongs. */
  #find(hash: number, words: Uint32Array, at: number): number {
    let place = hash & this.#mask
    for (let there = this.#hashes[place]!; there !== 0; there = this.#hashes[place]!) {
      if (there === hash && sameAddress(this.#addresses, place * ADDRESS_WORDS, words, at)) return place
      place = (place + 1) & this.#mask
    }
    return place
  }

  #put(place: number, hash: number, words: Uint32Array, at: number): void {
    this.#hashes[place] = hash
    for (let i = 0; i < ADDRESS_WORDS; i++) this.#addresses[place * ADDRESS_WORDS + i] = words[at + i]!
  }

  /** Moves later entries of the run into the gap, unless that would put them before their own place. */
  #close(from: number): void {
    let gap = from
    let next = (gap + 1) & this.#mask
    for (let hash = this.#hashes[next]!; hash !== 0; hash = this.#hashes[next]!) {
      const wanted = hash & this.#mask
      if (((next - wanted) & this.#mask) >= ((next - gap) & this.#mask)) {
        this.#put(gap, hash, this.#addresses, next * ADDRESS_WORDS)
        this.#values[gap] = this.#values[next]!
        gap = next
      }
      next = (next + 1) & this.#mask
    }
    this.#hashes[gap] = 0
  }

  #grow(): void {
    const before = { hashes: this.#hashes, addresses: this.#addresses, values: this.#values }
    const places = (this.#mask + 1) * 2
    this.#mask = places - 1
    this.#hashes = new Uint32Array(places)
    this.#addresses = new Uint32Array(places * ADDRESS_WORDS)
    this.#values = new Uint32Array(places)
    for (let i = 0; i < before.hashes.length; i++) {
      const hash = before.hashes[i]!
      if (hash === 0) continue
      let place = hash & this.#mask
      while (this.#hashes[place] !== 0) place = (place + 1) & this.#mask
      this.#put(place, hash, before.addresses, i * ADDRESS_WORDS)
      this.#values[place] = before.values[i]!
    }
  }
}
