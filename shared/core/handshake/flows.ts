/**
 * How many flows a side behind a symmetric NAT may open towards the other side in one step, and the chance that two sides
 * meet. A flow is one packet from a socket to a port; the NAT gives it a port of its own, drawn from a block.
 */
import type { Profile } from '../../wire/profile.ts'

/** As many packets as a step may send (`MAX_VOLLEY` of the step runner). */
export const MAX_FLOWS = 2560
/** Expected number of packets that meet: with four, 2 % of attempts fail. */
export const ENOUGH_HITS = 4
/** Below this chance a crossfire of two blocks is not worth its packets. */
export const LEAST_CHANCE = 0.3
/** Ports of a block that its customer keeps for everything else, as each flow takes one for half a minute. */
const KEPT_PORTS = 1024

/** Number of ports in the block, as far as samples show. */
export const sizeOf = ({ low, high }: Profile): number => high - low + 1

/**
 * Flows that may be open at once. A NAT with port overloading uses up no ports, as each flow goes to another destination.
 */
export function mostFlows(profile: Profile): number {
  if (profile.overloads === 'yes') return MAX_FLOWS
  return Math.min(Math.max(sizeOf(profile) - KEPT_PORTS, 0), MAX_FLOWS)
}

/** True if a measurement could allow more flows. */
export const isWorthMeasuring = (profile: Profile): boolean =>
  profile.overloads === 'unknown' && mostFlows(profile) < MAX_FLOWS

/** The most optimistic view of a profile whose NAT may overload ports. */
export const atBest = (profile: Profile): Profile =>
  isWorthMeasuring(profile) ? { ...profile, overloads: 'yes' } : profile

/** The chance that at least one of independent trials succeeds, if `hits` are expected. */
export const chanceOf = (hits: number): number => 1 - Math.exp(-hits)
