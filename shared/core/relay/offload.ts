/**
 * Chooses the pairs of legs that the kernel forwards instead of this process. A pair is handed over when both legs are proven,
 * both use UDP at the relay's own port and both have the same address family. It is withdrawn as soon as a leg moves or ends. Control messages always
 * come to the process, so legs are bound, moved and ended as without the kernel.
 *
 * The kernel does not know the quotas. About once a second the process learns what was forwarded and charges it. It mutes a leg
 * whose owner is over quota until the allowance has recovered.
 */
import { ADDRESS_WORDS, type Address, isDiscardOnly, isIpv4 } from '../../wire/address.ts'
import type { Bindings } from './bindings.ts'

/** Number of the socket at the relay's own port. The kernel knows no other port. */
const OWN_PORT = 0

export type OffloadEffect =
  /** The kernel forwards between the two addresses from now on. `pair` is a number below `maxTunnels`. */
  | { readonly kind: 'offload'; readonly pair: number; readonly addresses: readonly [Address, Address] }
  /** The packets of the pair come to the process again. Its legs are no longer muted. */
  | { readonly kind: 'withdraw'; readonly pair: number }
  /** The kernel drops packets from this leg of an offloaded pair, or stops dropping them. */
  | { readonly kind: 'mute' | 'unmute'; readonly leg: number }

/** The traffic from a leg of an offloaded pair since the last report. */
export interface OffloadedTraffic {
  /** Undefined if the pair was withdrawn meanwhile. */
  readonly leg: number | undefined
  readonly packets: number
  /** Bytes of UDP payload. */
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

  /** Starts or stops offloading. The kernel knows no pairs at that moment, so none is withdrawn. */
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

  /** Call when a leg has proven its address. Hands the pair over if the other leg is proven too. */
  proven(leg: number, bindings: Bindings): void {
    const other = leg ^ 1
    if (!this.#isOn || this.has(leg) || !bindings.isProven(leg) || !bindings.isProven(other)) return
    const addresses = [addressOf(leg & ~1, bindings), addressOf(leg | 1, bindings)] as const
    if (!isForwardable(addresses) || [leg, other].some((it) => bindings.sockets[it] !== OWN_PORT)) return
    this.#offloaded[leg >>> 1] = 1
    this.#emit({ kind: 'offload', pair: leg >>> 1, addresses })
  }

  /** Call when a leg is no longer at its address. Withdraws the pair. */
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
