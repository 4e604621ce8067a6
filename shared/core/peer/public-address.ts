/** The public IP addresses, one for each family, at which nodes have seen this endpoint. */
import { type Address, isDiscardOnly, isIpv4, sameIp } from '../../wire/address.ts'

export class PublicAddress {
  #four: Address | undefined
  #six: Address | undefined
  /** The host itself has other addresses: the next public one is no surprise. */
  #isExpected = false

  #mapped: Address | undefined

  /**
   * Records the address at which a router maps a port. True if the router has another one than before: nodes will see this
   * endpoint elsewhere too.
   */
  mapped(external: Address | undefined): boolean {
    const before = this.#mapped
    this.#mapped = external ?? before
    return before !== undefined && external !== undefined && !sameIp(before.words, 0, external.words, 0)
  }

  /** The addresses of the host changed. */
  expect(): void {
    this.#isExpected = true
  }

  /**
   * Records where a node sees this endpoint. `same`: as before, or the first of its family. `surprise`: another one, although
   * the host has not moved: its tunnels do not know yet.
   */
  seen(observed: Address): 'same' | 'expected' | 'surprise' {
    if (isDiscardOnly(observed.words)) return 'same'
    const isExpected = this.#isExpected
    this.#isExpected = false
    const before = isIpv4(observed.words) ? this.#four : this.#six
    if (isIpv4(observed.words)) this.#four = observed
    else this.#six = observed
    if (before === undefined || sameIp(before.words, 0, observed.words, 0)) return 'same'
    return isExpected ? 'expected' : 'surprise'
  }
}
