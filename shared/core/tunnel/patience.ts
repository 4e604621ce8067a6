/**
 * How long a relayed tunnel waits before the same two networks are tried again. The wait is AGAIN_MS until every
 * strategy of the planner was tried, then it doubles each time up to LONGEST_MS.
 *
 * Techniques that depend on chance draw other ports each time, so earlier failures say little: LUCKY such attempts are
 * made at the first pace.
 *
 * Both sides draw the random part of the wait from a secret that only they share. So they come to the HANDSHAKE
 * together, but not all tunnels of a node at the same time.
 */
import type { ChannelKeys } from '../../crypto/channel.ts'
import { hash256 } from '../../crypto/hash.ts'
import { Random } from '../../crypto/random.ts'

const AGAIN_MS = 60_000
const LONGEST_MS = 600_000
/** Priming with a small TTL, with a larger one, and without. */
const STRATEGIES = 3
/** If one NAT counts and the other draws from all ports, an attempt succeeds once in thirty times. */
const LUCKY = 10
/** A long wait is shortened by a random share of at most this much. */
const SPREAD = 0.2

export class Patience {
  readonly #shared: Uint8Array
  #failures = 0
  #unlucky = 0
  #network = ''

  /** `shared`: 32 bytes, the same on both sides. */
  constructor(shared: Uint8Array) {
    this.#shared = shared
  }

  /** An attempt was made in this network of this side (`Survey.network`). Another one than before is new. */
  at(network: string): void {
    if (network !== this.#network) this.renew()
    this.#network = network
  }

  /** `byChance`: the same attempt may succeed if it is repeated. */
  failed(byChance: boolean): void {
    if (byChance) this.#unlucky++
    if (!byChance || this.#unlucky > LUCKY - STRATEGIES) this.#failures++
  }

  /** Something has changed: techniques that failed may work now. */
  renew(): void {
    this.#failures = 0
    this.#unlucky = 0
  }

  /** Time to wait after the end of an attempt, in milliseconds. */
  get waitMs(): number {
    const doublings = this.#failures - STRATEGIES + 1
    if (doublings <= 0) return AGAIN_MS
    const longest = Math.min(AGAIN_MS * 2 ** doublings, LONGEST_MS)
    const chance = new Random(hash256(this.#shared, `again ${this.#failures}`)).float()
    return Math.round(longest * (1 - SPREAD * chance))
  }
}

/** Placeholder until the keys are there: no waiting time is drawn from it. */
export const NOT_SHARED = new Uint8Array(32)

/** 32 bytes that only the two sides of this tunnel know. */
export const sharedBy = ({ send, receive }: ChannelKeys): Uint8Array =>
  Uint8Array.from(send, (byte, i) => byte ^ receive[i]!)
