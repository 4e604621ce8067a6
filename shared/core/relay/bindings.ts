/**
 * The addresses of a relay's legs, in typed arrays. To forward a packet, the relay looks up its source and reads the rest by
 * index. The state of a leg:
 *
 *   free      nowhere
 *   claiming  its BIND came from the address of a proven leg, which keeps that address until this leg's token comes back
 *   bound     at an address not proven yet, which is sent no more bytes than came from it, and MOST_UNPROVEN in all
 *   proven    the token came back from the address
 *
 * An address belongs to one leg. A BIND from an address without a proven leg takes effect immediately, so roaming does not
 * interrupt traffic.
 */
import type { Random } from '../../crypto/random.ts'
import { ADDRESS_WORDS, sameAddress } from '../../wire/address.ts'
import { AddressTable } from '../../wire/address-table.ts'
import { TOKEN_BYTES } from '../../wire/relay.ts'

const FREE = 0
const CLAIMING = 1
const BOUND = 2
const PROVEN = 3
/** Maximum credit in bytes: more than any datagram, and far from overflow. */
const MAX_CREDIT = 2 ** 20
/**
 * Maximum bytes sent to an address before it is proven. Traffic from an address does not prove that a peer is there. It may come
 * from a server that answers anybody, which would be attacked in our name. It may also come from another relay: two relays with
 * legs bound at each other would pass a packet back and forth for ever.
 */
const MOST_UNPROVEN = 2 ** 16

/** Is notified of each leg that becomes taken, proves its address, or becomes free again. */
export interface Occupancy {
  taken(leg: number): void
  proven(leg: number): void
  left(leg: number): void
}

export class Bindings {
  /** ADDRESS_WORDS words a leg. */
  readonly addresses: Uint32Array
  readonly sockets: Uint8Array
  readonly #states: Uint8Array
  readonly #tokens: Uint8Array
  readonly #credits: Int32Array
  /** Bytes that may still be sent to a leg before it is proven. */
  readonly #untilProven: Int32Array
  readonly #heardAt: Float64Array
  readonly #owners: AddressTable
  readonly #claimants: AddressTable
  readonly #random: Random
  readonly #occupancy: Occupancy
  #count = 0

  constructor(legs: number, random: Random, occupancy: Occupancy) {
    this.#occupancy = occupancy
    this.addresses = new Uint32Array(legs * ADDRESS_WORDS)
    this.sockets = new Uint8Array(legs)
    this.#states = new Uint8Array(legs)
    this.#tokens = new Uint8Array(legs * TOKEN_BYTES)
    this.#credits = new Int32Array(legs)
    this.#untilProven = new Int32Array(legs)
    this.#heardAt = new Float64Array(legs)
    this.#owners = new AddressTable({ low: random.u32(), high: random.u32() })
    this.#claimants = new AddressTable({ low: random.u32(), high: random.u32() })
    this.#random = random
  }

  /** Legs that are not free. */
  get count(): number {
    return this.#count
  }

  /** The leg that owns an address; -1 if none does. */
  at(words: Uint32Array, wordsAt: number): number {
    return this.#owners.get(words, wordsAt)
  }

  isFree(leg: number): boolean {
    return this.#states[leg] === FREE
  }

  /** True if the leg owns its address. */
  isBound(leg: number): boolean {
    return this.#states[leg]! >= BOUND
  }

  isProven(leg: number): boolean {
    return this.#states[leg] === PROVEN
  }

  isAt(leg: number, words: Uint32Array, wordsAt: number): boolean {
    return !this.isFree(leg) && sameAddress(this.addresses, leg * ADDRESS_WORDS, words, wordsAt)
  }

  /** Puts a leg at an address. A leg that is already there stays proven if it was, and keeps its socket (`through`). */
  bind(leg: number, words: Uint32Array, wordsAt: number, socket: number): void {
    if (this.isAt(leg, words, wordsAt)) return
    this.free(leg)
    this.sockets[leg] = socket
    for (let w = 0; w < ADDRESS_WORDS; w++) this.addresses[leg * ADDRESS_WORDS + w] = words[wordsAt + w]!
    this.#tokens.set(this.#random.bytes(TOKEN_BYTES), leg * TOKEN_BYTES)
    this.#credits[leg] = 0
    this.#untilProven[leg] = MOST_UNPROVEN
    this.#take(leg)
    const owner = this.at(words, wordsAt)
    if (owner >= 0 && this.isProven(owner)) this.#claim(leg)
    else this.#own(leg, BOUND)
  }

  /** Makes this socket the way to the leg. True if it was another one. */
  through(leg: number, socket: number): boolean {
    const isOther = this.sockets[leg] !== socket
    this.sockets[leg] = socket
    return isOther
  }

  tokenOf(leg: number): Uint8Array {
    return this.#tokens.subarray(leg * TOKEN_BYTES, (leg + 1) * TOKEN_BYTES)
  }

  /** Marks the leg whose token came back from its address as proven, and returns it; -1 if no leg there has this token. */
  prove(words: Uint32Array, wordsAt: number, token: Uint8Array): number {
    const claimant = this.#claimants.get(words, wordsAt)
    if (claimant >= 0 && this.#hasToken(claimant, token)) {
      this.#claimants.delete(words, wordsAt)
      this.#own(claimant, PROVEN)
      return claimant
    }
    const owner = this.at(words, wordsAt)
    if (owner < 0 || !this.#hasToken(owner, token)) return -1
    this.#states[owner] = PROVEN
    this.#occupancy.proven(owner)
    return owner
  }

  free(leg: number): void {
    if (this.isFree(leg)) return
    const table = this.isBound(leg) ? this.#owners : this.#claimants
    table.delete(this.addresses, leg * ADDRESS_WORDS)
    this.#states[leg] = FREE
    this.#count--
    this.#occupancy.left(leg)
  }

  /** Records that bytes came from the leg's address, and credits them. */
  hear(leg: number, bytes: number, now: number): void {
    this.#heardAt[leg] = now
    this.#credits[leg] = Math.min(this.#credits[leg]! + bytes, MAX_CREDIT)
  }

  /** Lets that many more bytes be sent to the leg before it is proven. */
  trust(leg: number, bytes: number): void {
    this.#credits[leg] = Math.min(this.#credits[leg]! + bytes, MAX_CREDIT)
    this.#untilProven[leg]! += bytes
  }

  /** True if nothing has come from the leg after `since`. */
  isSilent(leg: number, since: number): boolean {
    return !this.isFree(leg) && this.#heardAt[leg]! <= since
  }

  /** Takes bytes from the leg's credit; false if that many may not be sent to the leg. */
  spend(leg: number, bytes: number): boolean {
    const state = this.#states[leg]
    if (state === PROVEN) return true
    const mayBeSent = Math.min(this.#credits[leg]!, this.#untilProven[leg]!)
    if (state !== BOUND || mayBeSent < bytes) return false
    this.#credits[leg]! -= bytes
    this.#untilProven[leg]! -= bytes
    return true
  }

  #take(leg: number): void {
    this.#count++
    this.#occupancy.taken(leg)
  }

  #claim(leg: number): void {
    const other = this.#claimants.get(this.addresses, leg * ADDRESS_WORDS)
    if (other >= 0) this.free(other)
    this.#claimants.set(this.addresses, leg * ADDRESS_WORDS, leg)
    this.#states[leg] = CLAIMING
  }

  #own(leg: number, state: typeof BOUND | typeof PROVEN): void {
    const owner = this.at(this.addresses, leg * ADDRESS_WORDS)
    if (owner >= 0) this.free(owner)
    this.#owners.set(this.addresses, leg * ADDRESS_WORDS, leg)
    this.#states[leg] = state
    if (state === PROVEN) this.#occupancy.proven(leg)
  }

  #hasToken(leg: number, token: Uint8Array): boolean {
    return token.every((byte, i) => byte === this.#tokens[leg * TOKEN_BYTES + i])
  }
}
