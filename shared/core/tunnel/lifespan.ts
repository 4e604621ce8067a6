/**
 * How long the NAT keeps a mapping that is used. Some end each one some time after it was made, whatever passes: the other
 * side then sees this one at another address, again and again at equal distances. Two that are equal count.
 */
import { type Address, sameAddress } from '../../wire/address.ts'

/** What ends sooner cannot be left in time. */
const LEAST_MS = 20_000
/** Of two distances that count as equal: as exact as probes tell when a mapping ended; and part of them. */
const TOLERANCE_MS = 2000
const TOLERANCE_SHARE = 0.05
const never = Number.POSITIVE_INFINITY

export class Lifespan {
  /** 0 while it is not known. */
  #spanMs = 0
  #lastSpanMs = 0
  #madeAt: number
  #seenAt: number
  #address: Address | undefined

  /** `madeAt`: when the socket sent first. */
  constructor(madeAt: number) {
    this.#madeAt = madeAt
    this.#seenAt = madeAt
  }

  /** When the mapping in use ends; Infinity where it is not known to. */
  get endsAt(): number {
    return this.#spanMs === 0 ? never : this.#madeAt + this.#spanMs
  }

  /** The other side saw this one there. */
  seen(address: Address, now: number): void {
    if (this.#address !== undefined && !sameAddress(this.#address.words, 0, address.words, 0)) this.#ended()
    this.#address = address
    this.#seenAt = now
  }

  /** Data goes through another socket, which sent first then. */
  moved(madeAt: number): void {
    this.#address = undefined
    this.#madeAt = madeAt
    this.#seenAt = madeAt
  }

  /** Another network: nothing of it holds any more. */
  forget(now: number): void {
    this.moved(now)
    this.#spanMs = 0
    this.#lastSpanMs = 0
  }

  /** While data flows the next mapping is made as soon as one has ended. */
  #ended(): void {
    const spanMs = this.#seenAt - this.#madeAt
    const tolerance = Math.max(TOLERANCE_MS, TOLERANCE_SHARE * spanMs)
    const isEqual = spanMs >= LEAST_MS && Math.abs(spanMs - this.#lastSpanMs) <= tolerance
    this.#spanMs = isEqual ? Math.min(spanMs, this.#lastSpanMs) : 0
    this.#lastSpanMs = spanMs
    this.#madeAt = this.#seenAt
  }
}
