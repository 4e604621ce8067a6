/**
 * A site of the laboratory (see lab.ts): a router, perhaps a carrier's router, and one or both hosts behind it.
 *
 * No two routers of a laboratory ever have the same outside address, so nothing remembered about one applies to another.
 */
import { startExpiry } from './expiry.ts'
import { addBridges, connectHousehold } from './household.ts'
import { startMiniupnpd } from './miniupnpd.ts'
import type { Namespaces } from './namespaces.ts'
import { type NatKind, POOL_SIZE, rulesetOf } from './nat-kind.ts'
import { startProxy } from './proxy.ts'
import { type Place, routes, type SideName } from './topology.ts'

/** A site that has been built. */
export interface Site {
  readonly place: Place
  readonly hosts: readonly SideName[]
  /** Its routers, the outermost last. */
  readonly routers: readonly string[]
  /** Loads the rules of its routers, replacing those already loaded. */
  load(): void
}

export interface Plan {
  readonly host: SideName
  readonly place: Place
  readonly kind: NatKind
  /** Number of the site among all that were ever built. */
  readonly number: number
}

/** Builds a site. A host that is already somewhere else is moved here. */
export function buildSite(namespaces: Namespaces, { host, place, kind, number }: Plan): Site {
  const { router, carrier, wan, carried } = place
  const pool = `${place.pool}.${POOL_SIZE * number}-${place.pool}.${POOL_SIZE * (number + 1) - 1}`
  const outside = wan.at(number)
  const inner = kind.carrier === undefined ? outside : `${carried}.2`
  namespaces.add(router)
  if (kind.carrier === undefined) connectOutside(namespaces, place, router, outside)
  else connectCarrier(namespaces, place, outside)
  const inside = `${prefixOf(place, kind)}.10`
  const load = () => {
    const seed = Math.floor(Math.random() * 2 ** 32)
    loadRules(namespaces, router, rulesetOf(kind, { wan: inner, pool, host: inside, seed }))
    if (kind.carrier !== undefined)
      loadRules(namespaces, carrier, rulesetOf(kind.carrier, { wan: outside, pool, host: inner, seed }))
  }
  for (const setting of kind.settings ?? []) namespaces.exec(router, ['sysctl', '-qw', setting])
  load()
  if (kind.mtu !== undefined) namespaces.ip(router, 'link', 'set', 'wan', 'mtu', String(kind.mtu))
  connectHosts(namespaces, host, place, kind)
  if (kind.proxy !== undefined) startProxy(namespaces, router, kind.proxy)
  if (kind.maps !== undefined) startMiniupnpd(namespaces, router, kind.maps, outside)
  if (kind.expiresAfterS !== undefined) startExpiry(namespaces, router, kind.expiresAfterS)
  const hosts = kind.household === undefined ? [host] : (['left', 'right'] as const)
  return { place, hosts, routers: kind.carrier === undefined ? [router] : [router, carrier], load }
}

/** Removes its routers, so that others can be built there. The hosts stay. */
export function removeSite(namespaces: Namespaces, { place, routers }: Site): void {
  namespaces.ip(place.core, 'link', 'delete', place.port)
  for (const router of routers) namespaces.remove(router)
}

function connectOutside(namespaces: Namespaces, place: Place, outermost: string, outside: string): void {
  const { core, port, wan, routed, pool, six } = place
  const [near, far] = [`${six.outside}::1`, `${six.outside}::2`]
  namespaces.wire(
    { at: core, name: port, addresses: [`${wan.gateway}/25`, `${near}/64`] },
    { at: outermost, name: 'wan', addresses: [`${outside}/25`, `${far}/64`] },
  )
  routes(namespaces, outermost, ['0.0.0.0/0', '::/0'], [wan.gateway, near])
  routes(namespaces, core, [`${routed}.0/24`, `${pool}.0/24`, `${six.inside}::/64`], [outside, far])
}

function connectCarrier(namespaces: Namespaces, place: Place, outside: string): void {
  const { router, carrier, carried } = place
  namespaces.add(carrier)
  connectOutside(namespaces, place, carrier, outside)
  namespaces.wire(
    { at: carrier, name: 'lan', addresses: [`${carried}.1/24`] },
    { at: router, name: 'wan', addresses: [`${carried}.2/24`] },
  )
  namespaces.route(router, '0.0.0.0/0', `${carried}.1`)
}

const prefixOf = ({ translated, routed }: Place, { translates, subnet }: NatKind): string =>
  subnet ?? (translates ? translated : routed)

/** Connects the hosts to the router. It works already, so a host that moves is offline for as short a time as possible. */
function connectHosts(namespaces: Namespaces, host: SideName, place: Place, kind: NatKind): void {
  if (kind.household === undefined) connectHost(namespaces, host, place, kind)
  else connectHousehold(namespaces, place, kind.household === 'isolated', kind.bridges)
}

function connectHost(namespaces: Namespaces, host: SideName, place: Place, kind: NatKind): void {
  const { router, six } = place
  const prefix = prefixOf(place, kind)
  const sixes = (nth: number) => (kind.ipv6 === undefined ? [] : [`${six.inside}::${nth}/64`])
  if (namespaces.has(host)) namespaces.ip(host, 'link', 'delete', 'lan')
  else {
    namespaces.add(host)
    addBridges(namespaces, host, kind.bridges ?? 0)
  }
  namespaces.wire(
    { at: router, name: 'lan', addresses: [`${prefix}.1/24`, ...sixes(1)] },
    { at: host, name: 'lan', addresses: [...(kind.ipv6Only ? [] : [`${prefix}.10/24`]), ...sixes(10)] },
  )
  if (!kind.ipv6Only) namespaces.route(host, '0.0.0.0/0', `${prefix}.1`)
  if (kind.ipv6 !== undefined) namespaces.route(host, '::/0', `${six.inside}::1`)
}

function loadRules(namespaces: Namespaces, router: string, ruleset: string): void {
  namespaces.exec(router, ['nft', '-f', '-'], ruleset)
  namespaces.exec(router, ['conntrack', '-F'])
}
