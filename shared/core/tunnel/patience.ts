/**
 * How long a tunnel stays on the relay before the same two networks are tried again: AGAIN_MS until every strategy of the
 * planner had its turn, then twice as long each time, up to LONGEST_MS. An attempt that is a matter of luck, as each draws other
 * ports, is not the worse for those before: LUCKY of them are made at the first pace. Both sides wait equally long, chance included, as
 * they draw it from what only they share: so they come to the HANDSHAKE together, and not all tunnels of a node at once.
 */
import { hash256 } from '../../crypto/hash.ts'
import { Random } from '../../crypto/random.ts'

const AGAIN_MS = 60_000
const LONGEST_MS = 600_000
/** Near priming, farther, none. */
const STRATEGIES = 3
/** Where one of the two counts and the other draws from all ports, each hits once in thirty times. */
const LUCKY = 10
/** At most this part of a long wait is left off. */
const SPREAD = 0.2

export class Patience {
  readonly #shared: Uint8Array
  #failures = 0
  #unlucky = 0

  /** `shared`: 32 bytes, the same on both sides. */
  constructor(shared: Uint8Array) {
    this.#shared = shared
  }

  /** `byChance`: the same again may succeed. */
  failed(byChance: boolean): void {
    if (byChance) this.#unlucky++
    if (!byChance || this.#unlucky > LUCKY - STRATEGIES) this.#failures++
  }

  /** Something has changed: what failed may work now. */
  renew(): void {
    this.#failures = 0
    this.#unlucky = 0
  }

  /** From the end of an attempt. */
  get waitMs(): number {
    const doublings = this.#failures - STRATEGIES + 1
    if (doublings <= 0) return AGAIN_MS
    const longest = Math.min(AGAIN_MS * 2 ** doublings, LONGEST_MS)
    const chance = new Random(hash256(this.#shared, `again ${this.#failures}`)).float()
    return Math.round(longest * (1 - SPREAD * chance))
  }
}
