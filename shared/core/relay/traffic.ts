/** Counts the traffic forwarded from each leg. */
export class Traffic {
  readonly #packets: Float64Array
  readonly #bytes: Float64Array

  constructor(legs: number) {
    this.#packets = new Float64Array(legs)
    this.#bytes = new Float64Array(legs)
  }

  count(leg: number, packets: number, bytes: number): void {
    this.#packets[leg]! += packets
    this.#bytes[leg]! += bytes
  }

  /** Returns the traffic forwarded from a leg and resets its counts. */
  take(leg: number): { readonly packets: number; readonly bytes: number } {
    const taken = { packets: this.#packets[leg]!, bytes: this.#bytes[leg]! }
    this.#packets[leg] = 0
    this.#bytes[leg] = 0
    return taken
  }
}
