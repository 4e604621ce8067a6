/**
 * Which pairs of legs the kernel forwards instead of this process. A pair is handed over when both its legs are proven, both
 * come by UDP and both are of one address family; it is taken back as soon as a leg moves or ends. Control messages always
 * come to the process, so legs are bound, moved and ended as without the kernel.
 *
 * The kernel cannot know what an owner may take. So the process hears about once a second what was forwarded, charges it, and
 * mutes a leg whose owner has had its part until the allowance is there again.
 */
import { ADDRESS_WORDS, type Address, isDiscardOnly, isIpv4 } from '../../wire/address.ts'
import type { Bindings } from './bindings.ts'

export type OffloadEffect =
  /** From now on whatever comes from one address is for the other. `pair` is a number below `maxTunnels`. */
  | { readonly kind: 'offload'; readonly pair: number; readonly addresses: readonly [Address, Address] }
  /** The pair comes to the process again; what is muted of it is no longer. */
  | { readonly kind: 'withdraw'; readonly pair: number }
  /** What comes from this leg of an offloaded pair is dropped, or no longer. */
  | { readonly kind: 'mute' | 'unmute'; readonly leg: number }

/** What came from a leg of an offloaded pair since this was last told. */
export interface OffloadedTraffic {
  /** Undefined where the pair was withdrawn meanwhile. */
  readonly leg: number | undefined
  readonly packets: number
  /** Of UDP payload. */
  readonly bytes: number
  /** Packets that were dropped because the leg was muted. */
  readonly muted: number
}

export class Offload {
  readonly #emit: (effect: OffloadEffect) => void
  readonly #offloaded: Uint8Array
  readonly #muted = new Set<number>()
  #isOn = false

  constructor(pairs: number, emit: (effect: OffloadEffect) => void) {
    this.#offloaded = new Uint8Array(pairs)
    this.#emit = emit
  }

  /** The kernel forwards from now on, or no longer: then it has forgotten all pairs, and no effect says so. */
  set(isOn: boolean, bindings: Bindings, end: number): void {
    this.#isOn = isOn
    this.#offloaded.fill(0)
    this.#muted.clear()
    for (let leg = 0; leg < end; leg += 2) this.proven(leg, bindings)
  }

  has(leg: number): boolean {
    return this.#offloaded[leg >>> 1] === 1
  }

  get muted(): Iterable<number> {
    return this.#muted
  }

  /** A leg has proven its address: its pair is handed over if the other one has as well. */
  proven(leg: number, bindings: Bindings): void {
    const other = leg ^ 1
    if (!this.#isOn || this.has(leg) || !bindings.isProven(leg) || !bindings.isProven(other)) return
    const addresses = [addressOf(leg & ~1, bindings), addressOf(leg | 1, bindings)] as const
    if (!isForwardable(addresses)) return
    this.#offloaded[leg >>> 1] = 1
    this.#emit({ kind: 'offload', pair: leg >>> 1, addresses })
  }

  /** A leg is no longer at its address. */
  left(leg: number): void {
    if (!this.has(leg)) return
    this.#offloaded[leg >>> 1] = 0
    this.#muted.delete(leg)
    this.#muted.delete(leg ^ 1)
    this.#emit({ kind: 'withdraw', pair: leg >>> 1 })
  }

  mute(leg: number): void {
    if (this.#muted.has(leg)) return
    this.#muted.add(leg)
    this.#emit({ kind: 'mute', leg })
  }

  unmute(leg: number): void {
    if (this.#muted.delete(leg)) this.#emit({ kind: 'unmute', leg })
  }
}

function addressOf(leg: number, { addresses }: Bindings): Address {
  return { words: addresses.slice(leg * ADDRESS_WORDS, (leg + 1) * ADDRESS_WORDS) }
}

function isForwardable([{ words: a }, { words: b }]: readonly [Address, Address]): boolean {
  return isIpv4(a) === isIpv4(b) && !isDiscardOnly(a) && !isDiscardOnly(b)
}
