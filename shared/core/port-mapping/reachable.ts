import { type Address, sameIp } from '../../wire/address.ts'
import type { Candidate } from '../../wire/profile.ts'

/**
 * The mapped candidates that the other side can come through: those on an address where the socket is seen from outside.
 * Any other belongs to a gateway that is behind a NAT itself, and nothing sent there would arrive.
 */
export function reachable(candidates: readonly Candidate[], seen: readonly Address[]): Candidate[] {
  return candidates.filter(
    ({ kind, address }) => kind === 'mapped' && seen.some(({ words }) => sameIp(words, 0, address.words, 0)),
  )
}
