/**
 * Estimates how long the NAT keeps a mapping that is in use. Some NATs end each mapping a fixed time after it was made,
 * whatever traffic passes. The other side then sees this one at a new address at equal intervals; two equal intervals
 * count as proof.
 */
import { type Address, sameAddress } from '../../wire/address.ts'

/** A mapping that ends sooner cannot be replaced in time. */
const LEAST_MS = 20_000
/** Intervals count as equal within this time, the precision of the probes, or within this share of their length. */
const TOLERANCE_MS = 2000
const TOLERANCE_SHARE = 0.05
const never = Number.POSITIVE_INFINITY

export class Lifespan {
  /** 0 if unknown. */
  #spanMs = 0
  #lastSpanMs = 0
  #madeAt: number
  #seenAt: number
  #address: Address | undefined

  /** `madeAt`: time of the socket's first packet. */
  constructor(madeAt: number) {
    this.#madeAt = madeAt
    this.#seenAt = madeAt
  }

  /** Expected end of the mapping in use; Infinity if none is known. */
  get endsAt(): number {
    return this.#spanMs === 0 ? never : this.#madeAt + this.#spanMs
  }

  /** The other side reported that it sees this side at `address`. */
  seen(address: Address, now: number): void {
    if (this.#address !== undefined && !sameAddress(this.#address.words, 0, address.words, 0)) this.#ended()
    this.#address = address
    this.#seenAt = now
  }

  /** Data now goes through another socket. `madeAt`: time of its first packet. */
  moved(madeAt: number): void {
    this.#address = undefined
    this.#madeAt = madeAt
    this.#seenAt = madeAt
  }

  /** The network is another one: forgets everything. */
  forget(now: number): void {
    this.moved(now)
    this.#spanMs = 0
    this.#lastSpanMs = 0
  }

  /** While data flows, the next mapping is made as soon as one has ended. */
  #ended(): void {
    const spanMs = this.#seenAt - this.#madeAt
    const tolerance = Math.max(TOLERANCE_MS, TOLERANCE_SHARE * spanMs)
    const isEqual = spanMs >= LEAST_MS && Math.abs(spanMs - this.#lastSpanMs) <= tolerance
    this.#spanMs = isEqual ? Math.min(spanMs, this.#lastSpanMs) : 0
    this.#lastSpanMs = spanMs
    this.#madeAt = this.#seenAt
  }
}
