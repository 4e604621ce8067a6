/**
 * The byte budget of an address before it is validated: three times the bytes that came from it (RFC 9000, sections 8.1 and
 * 9.3), plus an allowance granted by a trusted party. An address is validated when an unpredictable value that was sent there
 * comes back.
 */
export const AMPLIFICATION = 3

/** More than any exchange before validation needs; an address that is never validated saves up no more than this. */
const MAX_BYTES = 2 ** 16

export class AddressCredit {
  #bytes: number
  #packets: number

  /** `bytes`, `packets`: what it may be sent before anything came from there. Default: nothing, and any number. */
  constructor({ bytes = 0, packets = Number.POSITIVE_INFINITY }: { bytes?: number; packets?: number } = {}) {
    this.#bytes = bytes
    this.#packets = packets
  }

  /** Bytes that may still be sent. */
  get bytes(): number {
    return this.#packets > 0 ? this.#bytes : 0
  }

  /** A datagram of this length came from the address. */
  received(length: number): void {
    this.#bytes = Math.min(this.#bytes + AMPLIFICATION * length, MAX_BYTES)
  }

  /** True takes a datagram of this length from the credit; false where it may not be sent. */
  spend(length: number): boolean {
    if (length > this.bytes) return false
    this.#bytes -= length
    this.#packets--
    return true
  }
}
