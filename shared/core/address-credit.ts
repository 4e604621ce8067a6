/**
 * The byte budget of an address before it is validated: three times the bytes that came from it (RFC 9000, sections 8.1 and
 * 9.3), plus an allowance granted by a trusted party. An address is validated when an unpredictable value that was sent there
 * comes back.
 */
export const AMPLIFICATION = 3

/** Upper bound of the saved-up budget. It exceeds what any exchange before validation needs. */
const MAX_BYTES = 2 ** 16

export class AddressCredit {
  #bytes: number
  #packets: number

  /** `bytes`, `packets`: initial budget, before anything came from the address. Default: no bytes, any number of packets. */
  constructor({ bytes = 0, packets = Number.POSITIVE_INFINITY }: { bytes?: number; packets?: number } = {}) {
    this.#bytes = bytes
    this.#packets = packets
  }

  /** Bytes that may still be sent. */
  get bytes(): number {
    return this.#packets > 0 ? this.#bytes : 0
  }

  /** Credits a datagram of this length that came from the address. */
  received(length: number): void {
    this.#bytes = Math.min(this.#bytes + AMPLIFICATION * length, MAX_BYTES)
  }

  /** Charges a datagram of this length; false, without a charge, if it may not be sent. */
  spend(length: number): boolean {
    if (length > this.bytes) return false
    this.#bytes -= length
    this.#packets--
    return true
  }
}
