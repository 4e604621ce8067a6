import { type Address, sameIp } from '../../wire/address.ts'
import type { Candidate } from '../../wire/profile.ts'

/**
 * The mapped candidates at which the other side can reach this one: those on an IP at which the socket is seen from
 * outside. Any other belongs to a gateway that is itself behind a NAT, and nothing sent there would arrive.
 */
export function reachable(candidates: readonly Candidate[], seen: readonly Address[]): Candidate[] {
  return candidates.filter(
    ({ kind, address }) => kind === 'mapped' && seen.some(({ words }) => sameIp(words, 0, address.words, 0)),
  )
}
