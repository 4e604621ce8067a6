/**
 * The addresses and wires of the laboratory (see lab.ts): its core and server, and on either side of it a site: a host, a
 * router, perhaps the router of a carrier.
 *
 * Outside addresses are real ones, as miniupnpd refuses those that are kept for documentation; nothing leads out of here.
 * No two routers of a laboratory have had the same, so that what was remembered of one does not count for another.
 */
import { connectHousehold } from './household.ts'
import { startMiniupnpd } from './miniupnpd.ts'
import type { Namespaces } from './namespaces.ts'
import { type NatKind, rulesetOf } from './nat-kind.ts'

export type SideName = 'left' | 'right'

export const SERVER_IPS = ['198.51.100.1', '198.51.100.2'] as const
export const SERVER_IPV6S = ['2001:db8:ffff::1', '2001:db8:ffff::2'] as const

interface Side {
  readonly core: string
  /** Outside addresses: 128 from this one, which is the gateway's. */
  readonly wan: number
  /** Where hosts have private addresses, and where routed ones; between a router and its carrier; and IPv6. */
  readonly translated: string
  readonly routed: string
  readonly carried: string
  readonly six: string
}

const WAN = '80.81.82'
const SIDES: Readonly<Record<SideName, Side>> = {
  left: {
    core: 'core1',
    wan: 1,
    translated: '192.168.1',
    routed: '198.18.1',
    carried: '100.64.1',
    six: '2001:db8:1',
  },
  right: {
    core: 'core4',
    wan: 129,
    translated: '192.168.2',
    routed: '198.18.2',
    carried: '100.64.2',
    six: '2001:db8:2',
  },
}
/** Behind each side of the core, and its server in the middle. */
const LEFTWARD = [`${WAN}.0/25`, '198.18.1.0/24', '2001:db8:1::/64', '2001:db8:101::/64']
const RIGHTWARD = [`${WAN}.128/25`, '198.18.2.0/24', '2001:db8:2::/64', '2001:db8:102::/64']
const SERVERWARD = ['198.51.100.0/24', '2001:db8:ffff::/64']
const CORE = ['core1', 'core2', 'core3', 'core4'] as const
const SITES = 120

export function buildCore(namespaces: Namespaces): void {
  for (const name of [...CORE, 'server']) namespaces.add(name)
  for (let i = 1; i < CORE.length; i++) connectCore(namespaces, i)
  namespaces.wire(
    { at: 'core2', name: 'server', addresses: ['198.51.100.254/24', '2001:db8:ffff::fe/64'] },
    {
      at: 'server',
      name: 'core',
      addresses: [...SERVER_IPS.map((ip) => `${ip}/24`), ...SERVER_IPV6S.map((ip) => `${ip}/64`)],
    },
  )
  routes(namespaces, 'server', ['0.0.0.0/0', '::/0'], ['198.51.100.254', '2001:db8:ffff::fe'])
}

/** `i` from 1: between one core router and the next. */
function connectCore(namespaces: Namespaces, i: number): void {
  const [a, b] = [CORE[i - 1]!, CORE[i]!]
  const ends = [1, 2].map((end) => [`192.0.2.${4 * i + end}`, `2001:db8:c${i}::${end}`] as const)
  const wired = ends.map(([four, six]) => [`${four}/30`, `${six}/64`])
  namespaces.wire(
    { at: a, name: 'right', addresses: wired[0]! },
    { at: b, name: 'left', addresses: wired[1]! },
  )
  routes(namespaces, a, [...RIGHTWARD, ...(a === 'core1' ? SERVERWARD : [])], ends[1]!)
  routes(namespaces, b, [...LEFTWARD, ...(a === 'core1' ? [] : SERVERWARD)], ends[0]!)
}

/** One side of the laboratory with its router: what there is to know of it. */
export interface Site {
  readonly routers: readonly string[]
  /** All its namespaces. */
  readonly places: readonly string[]
  /** Loads the rules of its routers, afresh where they are loaded already. */
  load(): void
}

/** `number` counts the sites that were ever on this side. */
export function buildSite(namespaces: Namespaces, name: SideName, kind: NatKind, number: number): Site {
  const side = SIDES[name]
  const [router, carrier] = [`${name}-router`, `${name}-carrier`]
  const outside = outsideOf(name, number)
  const { carrier: carried } = kind
  const inner = carried === undefined ? outside : `${side.carried}.2`
  namespaces.add(router)
  if (carried === undefined) connectOutside(namespaces, side, router, outside)
  else connectCarrier(namespaces, side, { router, carrier, outside })
  const host = connectHosts(namespaces, name, kind)
  const load = () => {
    const seed = Math.floor(Math.random() * 2 ** 32)
    loadRules(namespaces, router, rulesetOf(kind, { wan: inner, host, seed }))
    if (carried !== undefined)
      loadRules(namespaces, carrier, rulesetOf(carried, { wan: outside, host: inner, seed }))
  }
  for (const setting of kind.settings ?? []) namespaces.exec(router, ['sysctl', '-qw', setting])
  load()
  if (kind.maps !== undefined) startMiniupnpd(namespaces, router, kind.maps, outside)
  const hosts = kind.household === undefined ? [name] : (['left', 'right'] as const)
  const routers = carried === undefined ? [router] : [router, carrier]
  return { routers, places: [...hosts, ...routers], load }
}

/** Takes a site away, so that another can be built. */
export function removeSite(namespaces: Namespaces, name: SideName, { places }: Site): void {
  namespaces.ip(SIDES[name].core, 'link', 'delete', 'site')
  for (const place of places) namespaces.remove(place)
}

/** Nothing passes any more but between the host and the server. */
export function cutOff(namespaces: Namespaces, router: string): void {
  const server = SERVERWARD[0]
  const rule = `ip saddr != ${server} ip daddr != ${server} meta l4proto udp drop`
  namespaces.exec(router, ['nft', 'insert', 'rule', 'ip', 'router', 'passing', ...rule.split(' ')])
}

/**
 * A host behind a masquerading router comes to another network, as both see it: the host's own address and the outside
 * one are new, and no mapping is known.
 */
export function roam(namespaces: Namespaces, name: SideName, number: number): void {
  const { translated, wan } = SIDES[name]
  const router = `${name}-router`
  const hostPart = 20 + (number % SITES)
  readdress(namespaces, router, 'wan', `${outsideOf(name, number)}/25`, `${WAN}.${wan}`)
  namespaces.exec(router, ['conntrack', '-F'])
  readdress(namespaces, name, 'lan', `${translated}.${hostPart}/24`, `${translated}.1`)
}

function readdress(namespaces: Namespaces, at: string, dev: string, address: string, gateway: string): void {
  namespaces.ip(at, '-4', 'address', 'flush', 'dev', dev)
  namespaces.ip(at, 'address', 'add', address, 'dev', dev)
  namespaces.route(at, '0.0.0.0/0', gateway)
}

const outsideOf = (name: SideName, number: number): string =>
  `${WAN}.${SIDES[name].wan + 1 + (number % SITES)}`

function connectOutside(namespaces: Namespaces, side: Side, outermost: string, outside: string): void {
  const { core, wan, routed, six } = side
  const gateway = `${WAN}.${wan}`
  const [near, far] = [`2001:db8:10${wan === 1 ? 1 : 2}::1`, `2001:db8:10${wan === 1 ? 1 : 2}::2`]
  namespaces.wire(
    { at: core, name: 'site', addresses: [`${gateway}/25`, `${near}/64`] },
    { at: outermost, name: 'wan', addresses: [`${outside}/25`, `${far}/64`] },
  )
  routes(namespaces, outermost, ['0.0.0.0/0', '::/0'], [gateway, near])
  routes(namespaces, core, [`${routed}.0/24`, `${six}::/64`], [outside, far])
}

interface Carried {
  readonly router: string
  readonly carrier: string
  readonly outside: string
}

function connectCarrier(namespaces: Namespaces, side: Side, { router, carrier, outside }: Carried): void {
  namespaces.add(carrier)
  connectOutside(namespaces, side, carrier, outside)
  namespaces.wire(
    { at: carrier, name: 'lan', addresses: [`${side.carried}.1/24`] },
    { at: router, name: 'wan', addresses: [`${side.carried}.2/24`] },
  )
  namespaces.route(router, '0.0.0.0/0', `${side.carried}.1`)
}

/** What is behind the router: its host, or both hosts. The address of the first. */
function connectHosts(namespaces: Namespaces, name: SideName, kind: NatKind): string {
  if (kind.household === undefined) return connectHost(namespaces, name, kind)
  return connectHousehold(namespaces, `${name}-router`, kind.household === 'isolated')
}

function connectHost(namespaces: Namespaces, name: SideName, kind: NatKind): string {
  const { translated, routed, six } = SIDES[name]
  const prefix = kind.translates ? translated : routed
  const sixes = (host: number) => (kind.ipv6 === undefined ? [] : [`${six}::${host}/64`])
  namespaces.add(name)
  namespaces.wire(
    { at: `${name}-router`, name: 'lan', addresses: [`${prefix}.1/24`, ...sixes(1)] },
    { at: name, name: 'lan', addresses: [`${prefix}.10/24`, ...sixes(10)] },
  )
  namespaces.route(name, '0.0.0.0/0', `${prefix}.1`)
  if (kind.ipv6 !== undefined) namespaces.route(name, '::/0', `${six}::1`)
  return `${prefix}.10`
}

/** Each destination by the gateway of its own family. */
function routes(
  namespaces: Namespaces,
  at: string,
  destinations: readonly string[],
  [four, six]: readonly [string, string],
): void {
  for (const to of destinations) namespaces.route(at, to, to.includes(':') ? six : four)
}

function loadRules(namespaces: Namespaces, router: string, ruleset: string): void {
  namespaces.exec(router, ['nft', '-f', '-'], ruleset)
  namespaces.exec(router, ['conntrack', '-F'])
}
