import type { Direction } from '../../wire/offers.ts'
import { type Directed, isSameNode } from './directed.ts'
import type { Order } from './handshake-client.ts'

/**
 * An approach begun longer ago than this, before the other side decided, is begun again: the NAT may have dropped the
 * mappings.
 */
const APPROACH_MS = 10_000

/**
 * The time until the other side has decided about the tunnel. This side may already be directed to a HANDSHAKE. It joins
 * and gathers evidence, and keeps what the HANDSHAKE orders.
 */
export class Approach {
  readonly kind = 'approach'
  /** Undefined until the offer rings. */
  directed: Directed | undefined
  #orders: Order[] = []

  /** Keeps an order. That the other side or the HANDSHAKE is missing is no news here. */
  hear(order: Order): void {
    if (order.kind !== 'alone' && order.kind !== 'unreachable') this.#orders.push(order)
  }

  /** True if an attempt with the new direction may go on where this approach is. */
  leadsTo(direction: Direction, now: number): boolean {
    const { directed } = this
    return (
      directed !== undefined && now - directed.at < APPROACH_MS && isSameNode(direction, directed.direction)
    )
  }

  /** The orders so far, oldest first. */
  get orders(): readonly Order[] {
    return this.#orders
  }
}
