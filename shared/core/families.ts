/**
 * IPv4 or IPv6: no host has both for sure. What it cannot reach is tried last rather than never, as the list of its own
 * addresses may be wrong or not there.
 */
import { type Address, isDiscardOnly, isIpv4, isLoopback } from '../wire/address.ts'

/** `own`: addresses of the host, not loopback, not link-local; empty: not known. */
export function canReach(own: readonly Address[], to: Uint32Array, at = 0): boolean {
  if (own.length === 0 || isLoopback(to, at) || isDiscardOnly(to, at)) return true
  return own.some(({ words }) => isIpv4(words) === isIpv4(to, at))
}

/** Otherwise in the order given. */
export function reachableFirst(own: readonly Address[], addresses: readonly Address[]): readonly Address[] {
  const can = addresses.filter(({ words }) => canReach(own, words))
  return can.length === addresses.length
    ? addresses
    : [...can, ...addresses.filter((it) => !can.includes(it))]
}
