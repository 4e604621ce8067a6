import { DIRECTION_MS } from '../../crypto/grant.ts'
import { sameAddress } from '../../wire/address.ts'
import type { Direction } from '../../wire/offers.ts'

/** An older direction might expire before the attempt that uses it has ended. */
const USABLE_MS = DIRECTION_MS - 60_000

/** The direction to a HANDSHAKE, and when a CHECKPOINT gave it. */
export interface Directed {
  readonly direction: Direction
  readonly at: number
}

/** Leads nowhere. */
export const NO_DIRECTION: Direction = {
  handshake: [],
  key: new Uint8Array(32),
  grant: new Uint8Array(0),
}

/** True if the grant of the direction may end before an attempt that begins now. */
export const isStale = ({ at }: Directed, now: number): boolean => now - at >= USABLE_MS

/** True if both directions lead to the same node. */
export function isSameNode(a: Direction, b: Direction): boolean {
  return a.handshake.some(({ words }) => b.handshake.some((other) => sameAddress(words, 0, other.words, 0)))
}
