/**
 * The population of peers in the field: how peers reach the internet, as far as it has been measured. Each share is a share of
 * peers, with its source. If a source gives a range or leaves the share open, we take the end that is harder to connect.
 * Dropped UDP is the exception: 1 % of typical peers is the lowest figure published, and each further per cent adds two per
 * cent of relayed pairs.
 *
 *   Richter    "A Multi-perspective Analysis of Carrier-Grade NAT Deployment", IMC 2016: carriers translate in more than
 *              90 % of cellular networks and, for some of their lines, in 17-18 % of fixed ones. Symmetric are 40 % of
 *              cellular translators, 11 % of fixed ones, less than 2 % of home routers. Many give each customer 512 to
 *              16,384 ports
 *   Mandalari  "Tracking the Big NAT across Europe and the U.S.", 2017: 10 % of providers of fixed lines translate
 *   NATwatcher 2017, 700 lines in 65 countries: home routers mostly map endpoint-independently, filter by address and
 *              port, and preserve the port
 *   SIN        Klinec and Matyas, SIN 2014: a third of mobile providers are symmetric. Some allocate upwards, with up to 35
 *              new flows a second from other customers
 *   Google     50.1 % of users with IPv6, March 2026; APNIC 42 % of the world, April 2026; highest on mobile
 *   Langley    "The QUIC Transport Protocol", SIGCOMM 2017: UDP fails for 4.4 % of clients, mostly in corporate networks
 *   libp2p     punchr notebook, January 2023: 45 % of results from clients with a port mapping; Di Cioccio, PAM 2012: most
 *              homes answer no UPnP
 *   vendors    symmetric by default: Cisco ASA, Palo Alto, Fortinet, SonicWall, Juniper SRX, pfSense before 25.11
 *   Hancke, callstats.io, Twilio: 15 to 22 % of WebRTC calls need a relay. These populations should too, without the
 *              techniques that WebRTC lacks (`predict`, `scatter`, `mapped`)
 *
 * There is no measurement of how many pairs share a site; two per cent is a guess, and hardly matters.
 */
import type { Dice } from './dice.ts'
import type { SiteSetting } from './internet.ts'
import { BROADBAND, type LinkProfile, MOBILE } from './link.ts'
import { NAT_KINDS, type NatKind } from './nat-kinds.ts'

/** Values with weights. The weights need not add up to any particular sum. */
type Mix<T> = readonly (readonly [weight: number, what: T])[]

/** A NAT, or `none`: public addresses behind a firewall. */
type Layer = NatKind | 'none'

interface Access {
  readonly name: string
  /** The router of the place itself. */
  readonly router: Mix<Layer>
  /** The carrier's NAT between the place and the core. */
  readonly carrier: Mix<Layer>
  readonly links: Mix<LinkProfile>
  /** Probabilities, 0 to 1. */
  readonly ipv6: number
  readonly portMapping: number
  readonly udpBlocked: number
}

export interface Population {
  readonly accesses: Mix<Access>
  /** Probability that both peers of a pair are in one site. */
  readonly sameSite: number
}

/** One peer's place. */
export interface Residence {
  /** The NAT that decides whether the peer can be reached: its only one, or the worse of two. */
  readonly kind: string
  readonly setting: SiteSetting
}

const FAR: LinkProfile = { ...BROADBAND, latencyMs: 70, jitterMs: 5, loss: 0.005 }
/** Bad Wi-Fi. */
const ROUGH: LinkProfile = { ...BROADBAND, loss: 0.03, jitterMs: 8, reorder: 0.02 }
const FIXED_LINKS: Mix<LinkProfile> = [
  [70, BROADBAND],
  [20, FAR],
  [10, ROUGH],
]

/** NATwatcher for most of them, Richter for the symmetric ones. A tenth can be poisoned by early packets, like OpenWrt. */
const HOME_ROUTERS: Mix<Layer> = [
  [53, 'linux'],
  [10, 'linux-exposed'],
  [12, 'port-restricted'],
  [8, 'hairpin-cone'],
  [5, 'address-restricted'],
  [10, 'full-cone'],
  [1, 'symmetric-sequential'],
  [1, 'symmetric-random'],
]

/**
 * Symmetric NATs: 3 of 8 allocate sequentially (SIN; the share is a guess), half of the others from a customer's own block
 * (Richter).
 */
const symmetric = (weight: number): Mix<Layer> => [
  [weight * 0.375, 'symmetric-busy'],
  [weight * 0.3125, 'symmetric-chunk'],
  [weight * 0.3125, 'symmetric-random'],
]

/** Richter: 11 % symmetric. The others behave as RFC 6888 asks; their filtering is unknown, so the strict kind is assumed. */
const fixedCarrier = (percentOfLines: number): Mix<Layer> => [
  [100 - percentOfLines, 'none'],
  [percentOfLines * 0.89, 'port-restricted'],
  ...symmetric(percentOfLines * 0.11),
]

/** Richter: nine in ten are translated, 40 % of those symmetric. Few carriers end every mapping within a minute. */
const CELLULAR: Mix<Layer> = [
  [10, 'none'],
  [36, 'port-restricted'],
  [16, 'full-cone'],
  [2, 'carrier-absolute'],
  ...symmetric(36),
]

/** Vendors: about half of the office routers are symmetric, and 3 of 8 of those allocate sequentially. */
const OFFICE_ROUTERS: Mix<Layer> = [
  [5, 'none'],
  [50, 'linux'],
  [17, 'symmetric-sequential'],
  [28, 'symmetric-random'],
]

const NO_CARRIER: Mix<Layer> = [[1, 'none']]

interface Shares {
  /** Percentage of peers; the rest is at home. */
  readonly cellular: number
  readonly office: number
  /** Share of offices that drop UDP, 0 to 1. */
  readonly udpBlocked: number
  /** Percentage of home lines behind a carrier's NAT. */
  readonly carrier: number
  readonly portMapping: number
  readonly ipv6: { readonly home: number; readonly cellular: number; readonly office: number }
}

function population({ cellular, office, udpBlocked, carrier, portMapping, ipv6 }: Shares): Population {
  const home: Access = {
    name: 'home',
    router: HOME_ROUTERS,
    carrier: fixedCarrier(carrier),
    links: FIXED_LINKS,
    ipv6: ipv6.home,
    portMapping,
    udpBlocked: 0,
  }
  const mobile: Access = {
    name: 'cellular',
    router: CELLULAR,
    carrier: NO_CARRIER,
    links: [[1, MOBILE]],
    ipv6: ipv6.cellular,
    portMapping: 0,
    udpBlocked: 0,
  }
  const work: Access = {
    name: 'office',
    router: OFFICE_ROUTERS,
    carrier: NO_CARRIER,
    links: FIXED_LINKS,
    ipv6: ipv6.office,
    portMapping: 0,
    udpBlocked,
  }
  const accesses: Mix<Access> = [
    [100 - cellular - office, home],
    [cellular, mobile],
    [office, work],
  ]
  return { accesses, sameSite: 0.02 }
}

export const POPULATIONS = {
  /** An application for homes: a tenth of its users on the road, few at work. IPv6 as in the better half of countries. */
  optimistic: population({
    cellular: 10,
    office: 4,
    udpBlocked: 0.12,
    carrier: 8,
    portMapping: 0.4,
    ipv6: { home: 0.55, cellular: 0.75, office: 0.3 },
  }),
  /**
   * A quarter of peers is on cellular: half of the use is on phones, half of that on Wi-Fi (Cisco VNI 2019: 54 % offloaded).
   * Seven per cent are at work, where one network in seven drops UDP: 1 % of all peers. IPv6: 47 % in all, between APNIC and
   * Google.
   */
  typical: population({
    cellular: 25,
    office: 7,
    udpBlocked: 1 / 7,
    carrier: 10,
    portMapping: 0.3,
    ipv6: { home: 0.43, cellular: 0.6, office: 0.25 },
  }),
  /** An application for work and the road: UDP fails for 4.4 % (Langley), little IPv6, hardly any port mapping. */
  hostile: population({
    cellular: 35,
    office: 25,
    udpBlocked: 0.176,
    carrier: 18,
    portMapping: 0.1,
    ipv6: { home: 0.3, cellular: 0.45, office: 0.15 },
  }),
} satisfies Record<string, Population>

export type PopulationName = keyof typeof POPULATIONS

/** Draws the places of two peers that meet. The second is undefined if it is in the first one's site. */
export function drawPair(population: Population, dice: Dice): readonly [Residence, Residence | undefined] {
  const first = drawResidence(population, dice)
  return [first, dice.chance(population.sameSite) ? undefined : drawResidence(population, dice)]
}

function drawResidence({ accesses }: Population, dice: Dice): Residence {
  const access = drawn(accesses, dice)
  const [router, carrier, link] = [
    drawn(access.router, dice),
    drawn(access.carrier, dice),
    drawn(access.links, dice),
  ]
  const [ipv6, portMapping] = [dice.chance(access.ipv6), dice.chance(access.portMapping)]
  const udpBlocked = dice.chance(access.udpBlocked)
  const setting: SiteSetting = {
    ...(router === 'none' ? { firewall: true } : { nat: NAT_KINDS[router] }),
    ...(carrier !== 'none' && { carrier: NAT_KINDS[carrier] }),
    ...{ link, ipv6, portMapping, udpBlocked },
  }
  return { kind: kindOf(udpBlocked, router, carrier), setting }
}

function kindOf(udpBlocked: boolean, router: Layer, carrier: Layer): string {
  if (udpBlocked) return 'udp-blocked'
  if (router === 'none') return 'firewall'
  if (carrier === 'none' || router.startsWith('symmetric')) return router
  return `cgn-${carrier}`
}

function drawn<T>(mix: Mix<T>, dice: Dice): T {
  let lot = dice.float() * mix.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, what] of mix) {
    lot -= weight
    if (lot < 0) return what
  }
  return mix.at(-1)![1]
}
