/**
 * Draws the places of peers in random scenarios. Every kind of NAT and link is frequent enough to be tested. For the
 * frequencies in the field, see `population.ts`.
 */
import type { Dice } from './dice.ts'
import type { SiteSetting } from './internet.ts'
import { BROADBAND, type LinkProfile, MOBILE } from './link.ts'
import { NAT_KINDS } from './nat-kinds.ts'

export interface Place {
  readonly name: string
  readonly setting: SiteSetting
}

const ROUGH: LinkProfile = { ...BROADBAND, loss: 0.05, jitterMs: 8, reorder: 0.05, duplicate: 0.01 }
const FAR: LinkProfile = { ...BROADBAND, latencyMs: 70, jitterMs: 5, loss: 0.005 }

const SITES: readonly (readonly [percent: number, place: Place])[] = [
  [4, { name: 'open', setting: {} }],
  [3, { name: 'firewall', setting: { firewall: true } }],
  [8, { name: 'full-cone', setting: { nat: NAT_KINDS['full-cone'] } }],
  [5, { name: 'address-restricted', setting: { nat: NAT_KINDS['address-restricted'] } }],
  [32, { name: 'linux', setting: { nat: NAT_KINDS.linux } }],
  [6, { name: 'linux-exposed', setting: { nat: NAT_KINDS['linux-exposed'] } }],
  [16, { name: 'port-restricted', setting: { nat: NAT_KINDS['port-restricted'] } }],
  [6, { name: 'hairpin-cone', setting: { nat: NAT_KINDS['hairpin-cone'] } }],
  [9, { name: 'carrier', setting: { nat: NAT_KINDS.linux, carrier: NAT_KINDS['port-restricted'] } }],
  [3, { name: 'symmetric-sequential', setting: { nat: NAT_KINDS['symmetric-sequential'] } }],
  [1, { name: 'symmetric-block', setting: { nat: NAT_KINDS['symmetric-block'] } }],
  [4, { name: 'symmetric-random', setting: { nat: NAT_KINDS['symmetric-random'] } }],
  [3, { name: 'hard-carrier', setting: { nat: NAT_KINDS.linux, carrier: NAT_KINDS['symmetric-random'] } }],
]
const LINKS: readonly (readonly [percent: number, link: LinkProfile])[] = [
  [55, BROADBAND],
  [25, MOBILE],
  [10, FAR],
  [10, ROUGH],
]
const IPV6_SHARE = 0.3

export function drawPlace(dice: Dice): Place {
  const { name, setting } = drawn(SITES, dice)
  const [link, ipv6] = [drawn(LINKS, dice), dice.chance(IPV6_SHARE)]
  return { name: ipv6 ? `${name}+ipv6` : name, setting: { ...setting, link, ipv6 } }
}

function drawn<T>(table: readonly (readonly [number, T])[], dice: Dice): T {
  let lot = dice.float() * table.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, value] of table) {
    lot -= weight
    if (lot < 0) return value
  }
  return table.at(-1)![1]
}
