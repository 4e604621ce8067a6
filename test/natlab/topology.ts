/**
 * The middle of the laboratory (see lab.ts): its core, the server, and the places at either edge where a router can be built.
 *
 * Outside addresses are from real ranges, because miniupnpd rejects those reserved for documentation. No packet leaves the
 * laboratory.
 */
import type { Namespaces } from './namespaces.ts'
import { slowWire } from './slow-wire.ts'

export type SideName = 'left' | 'right'

export const SERVER_IPS = ['198.51.100.1', '198.51.100.2'] as const
/** A relay has an address of its own, as it has in the cloud: two processes cannot share UDP 443 of one address. */
export const RELAY_IP = '198.51.100.3'
export const SERVER_IPV6S = ['2a02:db8:ffff::1', '2a02:db8:ffff::2'] as const
export const RELAY_IPV6 = '2a02:db8:ffff::3'

/** A place for a router, and its addresses. */
export interface Place {
  readonly router: string
  readonly carrier: string
  readonly core: string
  /** The core's interface to the place. */
  readonly port: string
  /** Outside addresses: that of the gateway, and those for routers. */
  readonly wan: { readonly gateway: string; at(number: number): string }
  /** Address prefixes: for private hosts, for routed hosts, and between a router and its carrier. */
  readonly translated: string
  readonly routed: string
  readonly carried: string
  /** Prefix of the addresses that a carrier has besides the router's own. */
  readonly pool: string
  /** IPv6 prefixes: of the hosts, and between the core and the router. */
  readonly six: { readonly inside: string; readonly outside: string }
}

/** The networks of a host: the one it starts in, and the one it may move to. */
const NETWORKS = {
  home: { router: 'router', port: 'site', wan: '80.81.82', number: 0 },
  away: { router: 'away', port: 'away', wan: '80.81.83', number: 10 },
} as const
const SITES = 120

/** Returns a place. Names of interfaces and namespaces are unique, and so is every address. */
export function placeOf(side: SideName, network: keyof typeof NETWORKS): Place {
  const { router, port, wan, number } = NETWORKS[network]
  const [core, own, gateway] = side === 'left' ? (['core1', 1, 1] as const) : (['core4', 2, 129] as const)
  const nth = number + own
  return {
    router: `${side}-${router}`,
    carrier: `${side}-${router}-carrier`,
    core,
    port,
    wan: { gateway: `${wan}.${gateway}`, at: (n) => `${wan}.${gateway + 1 + (n % SITES)}` },
    translated: `192.168.${nth}`,
    routed: `80.81.${90 + nth}`,
    carried: `100.64.${nth}`,
    pool: `80.81.${110 + nth}`,
    six: { inside: `2a02:db8:${nth}`, outside: `2a02:db8:${100 + nth}` },
  }
}

const LEFTWARD = ['80.81.82.0/25', '80.81.83.0/25', ...insideOf('left')]
const RIGHTWARD = ['80.81.82.128/25', '80.81.83.128/25', ...insideOf('right')]
const SERVERWARD = ['198.51.100.0/24', '2a02:db8:ffff::/64'] as const
const CORE = ['core1', 'core2', 'core3', 'core4'] as const
/** Number of the core link with the delay. The server is to the left of it. */
const SLOW = 2

/** Builds the core. `delayMs`: extra round-trip time between the two sides. */
export async function buildCore(namespaces: Namespaces, delayMs: number): Promise<void> {
  for (const name of [...CORE, 'server']) namespaces.add(name)
  for (let i = 1; i < CORE.length; i++) await connectCore(namespaces, i, i === SLOW ? delayMs : 0)
  namespaces.wire(
    { at: 'core2', name: 'server', addresses: ['198.51.100.254/24', '2a02:db8:ffff::fe/64'] },
    {
      at: 'server',
      name: 'core',
      addresses: [
        ...[...SERVER_IPS, RELAY_IP].map((ip) => `${ip}/24`),
        ...[...SERVER_IPV6S, RELAY_IPV6].map((ip) => `${ip}/64`),
      ],
    },
  )
  routes(namespaces, 'server', ['0.0.0.0/0', '::/0'], ['198.51.100.254', '2a02:db8:ffff::fe'])
}

/** Drops all UDP that is not from or to the server. */
export function cutOff(namespaces: Namespaces, router: string): void {
  const [server] = SERVERWARD
  const rule = `ip saddr != ${server} ip daddr != ${server} meta l4proto udp drop`
  namespaces.exec(router, ['nft', 'insert', 'rule', 'ip', 'router', 'passing', ...rule.split(' ')])
}

/** A table of its own that drops all UDP, so that it can be removed again. */
const UDP_OFF =
  'add table ip off; add chain ip off passing { type filter hook forward priority -10; }; add rule ip off passing meta l4proto udp drop'

/** Makes the router drop all UDP, or pass it again. */
export function passUdp(namespaces: Namespaces, router: string, passes: boolean): void {
  namespaces.exec(router, ['nft', passes ? 'delete table ip off' : UDP_OFF])
}

/** Adds a route for each destination, by the gateway of its own address family. */
export function routes(
  namespaces: Namespaces,
  at: string,
  destinations: readonly string[],
  [four, six]: readonly [string, string],
): void {
  for (const to of destinations) namespaces.route(at, to, to.includes(':') ? six : four)
}

/** Connects core router `i` (from 1) to the next. */
async function connectCore(namespaces: Namespaces, i: number, delayMs: number): Promise<void> {
  const [a, b] = [CORE[i - 1]!, CORE[i]!]
  const ends = [1, 2].map((end) => [`192.0.2.${4 * i + end}`, `2a02:db8:c${i}::${end}`] as const)
  const [right, left] = ends.map(([four, six]) => [`${four}/30`, `${six}/64`] as const)
  const wires = [
    { at: a, name: 'right', addresses: right! },
    { at: b, name: 'left', addresses: left! },
  ] as const
  if (delayMs > 0) await slowWire(namespaces, ...wires, delayMs / 2)
  else namespaces.wire(...wires)
  routes(namespaces, a, [...RIGHTWARD, ...(a === 'core1' ? SERVERWARD : [])], ends[1]!)
  routes(namespaces, b, [...LEFTWARD, ...(a === 'core1' ? [] : SERVERWARD)], ends[0]!)
}

function insideOf(side: SideName): readonly string[] {
  const places = [placeOf(side, 'home'), placeOf(side, 'away')]
  return places.flatMap(({ routed, pool, six }) => [
    `${routed}.0/24`,
    `${pool}.0/24`,
    `${six.inside}::/64`,
    `${six.outside}::/64`,
  ])
}
