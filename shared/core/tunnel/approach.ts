import type { Direction } from '../../wire/offers.ts'
import { type Directed, isSameNode } from './directed.ts'

/**
 * An approach begun longer ago than this, before the other side decided, is begun again: the NAT may have dropped the
 * mappings.
 */
const APPROACH_MS = 10_000

/**
 * The time until the other side has decided about the tunnel. This side may already be directed to a HANDSHAKE. It joins
 * and gathers evidence; what the HANDSHAKE orders is kept.
 */
export class Approach {
  readonly kind = 'approach'
  /** Undefined until the offer rings. */
  directed: Directed | undefined

  /** True if an attempt with the new direction may go on where this approach is. */
  leadsTo(direction: Direction, now: number): boolean {
    const { directed } = this
    return (
      directed !== undefined && now - directed.at < APPROACH_MS && isSameNode(direction, directed.direction)
    )
  }
}
