/**
 * Two hosts, each behind a router. Between the routers is a core of four more, with a server with two addresses in its
 * middle:
 *
 *   left - left-router - core1 - core2 - core3 - core4 - right-router - right
 *                                  |
 *                                server (198.51.100.1 and 198.51.100.2)
 *
 * A packet with a TTL of 3 to 6 therefore passes its own router and not the other one. If the kind has a carrier, the
 * carrier's router stands between the router and the core. In a household both hosts are behind the left router. Everything
 * is real: kernel, netfilter, processes.
 */
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { Namespaces } from './namespaces.ts'
import type { NatKind } from './nat-kind.ts'
import { PROXY_PORT } from './proxy.ts'
import { buildSite, removeSite, type Site } from './site.ts'
import { buildCore, cutOff, passUdp, placeOf, type SideName } from './topology.ts'

export { RELAY_IP, RELAY_IPV6, SERVER_IPS, SERVER_IPV6S, type SideName } from './topology.ts'

export type Place = SideName | 'server' | `${SideName}-router`

export interface LabOptions {
  /** Extra round-trip time through the middle of the core: between the two sides, or between the right side and the server. */
  readonly delayMs?: number
}

export interface Kinds {
  readonly left: NatKind
  readonly right: NatKind
}

interface Standing {
  readonly kind: NatKind
  /** The site of its host, preceded by its earlier sites. */
  readonly sites: readonly Site[]
}

export class Lab {
  readonly #namespaces: Namespaces
  readonly #standing = new Map<SideName, Standing>()
  #built = 0

  private constructor(namespaces: Namespaces) {
    this.#namespaces = namespaces
  }

  /** Builds the laboratory. If nft or ip fails, removes everything and throws their error. */
  static async start(kinds: Kinds, { delayMs = 0 }: LabOptions = {}): Promise<Lab> {
    const lab = new Lab(new Namespaces())
    try {
      await buildCore(lab.#namespaces, delayMs)
      lab.rebuild(kinds)
      return lab
    } catch (error) {
      await lab[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Builds routers of other kinds, with new hosts behind them, on the sides whose kind changes. The processes there end. */
  rebuild(kinds: Kinds): void {
    const isHousehold = kinds.left.household !== undefined
    if (isHousehold !== (kinds.right.household !== undefined) || (isHousehold && kinds.left !== kinds.right))
      throw new Error('Of a household both sides are the same.')
    const wanted: readonly SideName[] = isHousehold ? ['left'] : ['left', 'right']
    const moved = wanted.filter((name) => !this.#stands(name, kinds[name]))
    const household = this.#standing.get('left')?.kind.household
    const gone = isHousehold || household !== undefined ? (['left', 'right'] as const) : moved
    for (const name of gone) this.#remove(name)
    for (const name of wanted) if (!this.#standing.has(name)) this.#build(name, kinds[name])
  }

  /** Runs a command at a place to its end and returns its output. */
  run(place: Place, command: readonly string[], timeoutMs?: number): Promise<string> {
    return this.#namespaces.run(place, command, timeoutMs)
  }

  /** Starts a process that lives until its place is rebuilt or the laboratory is closed. */
  spawn(place: Place, command: readonly string[], options?: SpawnOptions): ChildProcess {
    const proxy = this.#proxyOf(place)
    const env = proxy === undefined ? {} : { env: { ...process.env, HTTP_PROXY: proxy, HTTPS_PROXY: proxy } }
    return this.#namespaces.spawn(place, command, { ...env, ...options })
  }

  /** Drops the router's mappings, as a restart would. */
  rebind(side: SideName): void {
    for (const router of this.#siteOf(side).routers) this.#namespaces.exec(router, ['conntrack', '-F'])
  }

  /** Drops the router's mappings. If it does not preserve the ports of its hosts, it then assigns other ones. */
  renew(side: SideName): void {
    this.#siteOf(side).load()
  }

  /** Makes the router drop all UDP except from and to the server. */
  cut(side: SideName): void {
    cutOff(this.#namespaces, this.#siteOf(side).routers[0]!)
  }

  /** Makes the router drop all UDP, or pass it again. */
  passUdp(side: SideName, passes: boolean): void {
    passUdp(this.#namespaces, this.#siteOf(side).routers[0]!, passes)
  }

  /** Moves the host to another network, with another router and other addresses inside and outside. Works once. */
  roam(side: SideName, kind: NatKind): void {
    const { kind: home, sites } = this.#standing.get(side)!
    const place = placeOf(side, 'away')
    const site = buildSite(this.#namespaces, { host: side, place, kind, number: this.#built++ })
    this.#standing.set(side, { kind: home, sites: [...sites, site] })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#namespaces.close()
  }

  #proxyOf(place: Place): string | undefined {
    const standing = place === 'left' || place === 'right' ? this.#standing.get(place) : undefined
    if (standing?.kind.proxy === undefined) return undefined
    const { translated, six } = placeOf(place as SideName, 'home')
    const router = standing.kind.ipv6Only ? `[${six.inside}::1]` : `${translated}.1`
    return `http://${router}:${PROXY_PORT}`
  }

  #stands(side: SideName, kind: NatKind): boolean {
    const standing = this.#standing.get(side)
    return standing?.kind === kind && standing.sites.length === 1
  }

  #siteOf(side: SideName): Site {
    return this.#standing.get(side)!.sites.at(-1)!
  }

  #build(side: SideName, kind: NatKind): void {
    const place = placeOf(side, 'home')
    const site = buildSite(this.#namespaces, { host: side, place, kind, number: this.#built++ })
    this.#standing.set(side, { kind, sites: [site] })
  }

  #remove(side: SideName): void {
    const { sites } = this.#standing.get(side) ?? { sites: [] }
    for (const site of sites) removeSite(this.#namespaces, site)
    for (const host of sites[0]?.hosts ?? []) this.#namespaces.remove(host)
    this.#standing.delete(side)
  }
}
