/**
 * Orders addresses by family, because a host may have only IPv4 or only IPv6. Addresses of a family that it seems to lack are
 * tried last, not left out: the list of its own addresses may be wrong or missing.
 */
import { type Address, isDiscardOnly, isIpv4, isLoopback } from '../wire/address.ts'

/** `own`: the host's addresses without loopback and link-local ones; empty if they are unknown. */
export function canReach(own: readonly Address[], to: Uint32Array, at = 0): boolean {
  if (own.length === 0 || isLoopback(to, at) || isDiscardOnly(to, at)) return true
  return own.some(({ words }) => isIpv4(words) === isIpv4(to, at))
}

/** Puts the addresses that the host seems to reach first. Both groups keep the given order. */
export function reachableFirst(own: readonly Address[], addresses: readonly Address[]): readonly Address[] {
  const can = addresses.filter(({ words }) => canReach(own, words))
  return can.length === addresses.length
    ? addresses
    : [...can, ...addresses.filter((it) => !can.includes(it))]
}
