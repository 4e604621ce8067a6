/** The choice of the outside port of a new mapping (RFC 4787 section 4.2, and behaviour found in the field). */
import type { Dice } from './dice.ts'
import type { Endpoint } from './packet.ts'

export type Allocation =
  /** The inside port if no other mapping has it, otherwise a random one. */
  | { readonly kind: 'preserving' }
  /** The inside port unless another mapping with that port talks to the same remote: Linux masquerade. */
  | { readonly kind: 'overloading' }
  | {
      readonly kind: 'sequential'
      readonly step: number
      readonly low: number
      readonly high: number
      /** Rate at which other hosts behind the NAT take ports, as a Poisson process. Default none. */
      readonly foreignPerSecond?: number
    }
  /**
   * Each inside IP gets a block of `size` ports, and random ports within it: carriers with port blocks. `overloads`: a port
   * serves any number of flows, each to another remote.
   */
  | { readonly kind: 'block'; readonly size: number; readonly overloads?: true }
  | { readonly kind: 'random'; readonly low: number; readonly high: number }

type Sequential = Extract<Allocation, { kind: 'sequential' }>

const DYNAMIC = { low: 1024, high: 65_535 }
/** Attempts to find a free port. Linux gives up after 128 too. */
const TRIES = 128

/** True if a port may serve several flows to different remotes. */
export const isOverloading = (allocation: Allocation): boolean =>
  allocation.kind === 'overloading' || (allocation.kind === 'block' && allocation.overloads === true)

export class Ports {
  readonly #allocation: Allocation
  readonly #dice: Dice
  readonly #blocks = new Map<string, number>()
  #next: number
  /** Time at which another host takes the next port. */
  #foreignAt = Number.NEGATIVE_INFINITY

  constructor(allocation: Allocation, dice: Dice) {
    this.#allocation = allocation
    this.#dice = dice
    this.#next = allocation.kind === 'sequential' ? dice.between(allocation.low, allocation.high) : 0
  }

  /** Chooses a free port; undefined if none is left. */
  choose(inside: Endpoint, free: (port: number) => boolean, now: number): number | undefined {
    switch (this.#allocation.kind) {
      case 'preserving':
      case 'overloading':
        return free(inside.port) ? inside.port : this.#random(DYNAMIC, free)
      case 'sequential':
        this.#letOthersTake(this.#allocation, now)
        return this.#sequential(this.#allocation, free)
      case 'block':
        return this.#random(this.#block(inside.ip, this.#allocation.size), free)
      case 'random':
        return this.#random(this.#allocation, free)
    }
  }

  #random({ low, high }: { low: number; high: number }, free: (port: number) => boolean): number | undefined {
    for (let i = 0; i < TRIES; i++) {
      const port = this.#dice.between(low, high)
      if (free(port)) return port
    }
    return undefined
  }

  #sequential({ step, low, high }: Sequential, free: (port: number) => boolean): number | undefined {
    for (let i = 0; i < TRIES; i++) {
      const port = this.#next
      this.#next = after(port, step, low, high)
      if (free(port)) return port
    }
    return undefined
  }

  #letOthersTake({ step, low, high, foreignPerSecond = 0 }: Sequential, now: number): void {
    if (foreignPerSecond === 0) return
    const pause = () => this.#dice.exponential(1000 / foreignPerSecond)
    if (this.#foreignAt === Number.NEGATIVE_INFINITY) this.#foreignAt = now + pause()
    for (; this.#foreignAt <= now; this.#foreignAt += pause()) this.#next = after(this.#next, step, low, high)
  }

  #block(ip: string, size: number): { low: number; high: number } {
    let low = this.#blocks.get(ip)
    if (low === undefined) {
      low = DYNAMIC.low + size * this.#dice.below(Math.floor((DYNAMIC.high - DYNAMIC.low) / size))
      this.#blocks.set(ip, low)
    }
    return { low, high: low + size - 1 }
  }
}

const after = (port: number, step: number, low: number, high: number): number =>
  port + step > high ? low : port + step
