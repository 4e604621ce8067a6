/**
 * Two hosts behind a router each, four routers of a core between them, and a server with two addresses in its middle:
 *
 *   left - left-router - core1 - core2 - core3 - core4 - right-router - right
 *                                  |
 *                                server (198.51.100.1 and 198.51.100.2)
 *
 * so that a packet with a TTL of 3 to 6 passes its own router and not the other one. A carrier's router stands between a
 * router and the core where the kind has one; in a household both hosts are behind the left router. All real: kernel,
 * netfilter, processes.
 */
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { Namespaces } from './namespaces.ts'
import type { NatKind } from './nat-kind.ts'
import { buildCore, buildSite, cutOff, removeSite, roam, type SideName, type Site } from './topology.ts'

export { SERVER_IPS, SERVER_IPV6S, type SideName } from './topology.ts'

export type Place = SideName | 'server' | `${SideName}-router`

export interface Kinds {
  readonly left: NatKind
  readonly right: NatKind
}

interface Standing {
  readonly kind: NatKind
  readonly site: Site
  readonly forgetting: NodeJS.Timeout | undefined
}

export class Lab {
  readonly #namespaces: Namespaces
  readonly #standing = new Map<SideName, Standing>()
  #built = 0

  private constructor(namespaces: Namespaces) {
    this.#namespaces = namespaces
  }

  /** Throws what nft or ip said, with nothing left behind. */
  static async start(kinds: Kinds): Promise<Lab> {
    const lab = new Lab(new Namespaces())
    try {
      buildCore(lab.#namespaces)
      lab.rebuild(kinds)
      return lab
    } catch (error) {
      await lab[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Other routers, and new hosts behind them, where the kinds differ from those that stand. The processes there end. */
  rebuild(kinds: Kinds): void {
    const isHousehold = kinds.left.household !== undefined
    if (isHousehold !== (kinds.right.household !== undefined) || (isHousehold && kinds.left !== kinds.right))
      throw new Error('Of a household both sides are the same.')
    const wanted: readonly SideName[] = isHousehold ? ['left'] : ['left', 'right']
    const moved = wanted.filter((name) => this.#standing.get(name)?.kind !== kinds[name])
    const household = this.#standing.get('left')?.kind.household
    const gone = isHousehold || household !== undefined ? (['left', 'right'] as const) : moved
    for (const name of gone) this.#remove(name)
    for (const name of wanted) if (!this.#standing.has(name)) this.#build(name, kinds[name])
  }

  /** Runs a command at a place to its end; what it printed. */
  run(place: Place, command: readonly string[], timeoutMs?: number): Promise<string> {
    return this.#namespaces.run(place, command, timeoutMs)
  }

  /** A process that lives until its place is built anew, or the laboratory is closed. */
  spawn(place: Place, command: readonly string[], options?: SpawnOptions): ChildProcess {
    return this.#namespaces.spawn(place, command, options)
  }

  /** The router forgets its mappings, as after a restart. */
  rebind(side: SideName): void {
    for (const router of this.#standing.get(side)?.site.routers ?? [])
      this.#namespaces.exec(router, ['conntrack', '-F'])
  }

  /** The router forgets its mappings, and gives other ports where it does not keep those of its hosts. */
  renew(side: SideName): void {
    this.#standing.get(side)?.site.load()
  }

  /** From now on nothing passes the router but what comes from the server or goes there. */
  cut(side: SideName): void {
    const [router] = this.#standing.get(side)?.site.routers ?? []
    if (router !== undefined) cutOff(this.#namespaces, router)
  }

  /** The host comes to another network: its address is new, and so is the outside one. Of a `port-restricted` side. */
  roam(side: SideName): void {
    roam(this.#namespaces, side, this.#built++)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { forgetting } of this.#standing.values()) clearInterval(forgetting)
    await this.#namespaces.close()
  }

  #build(name: SideName, kind: NatKind): void {
    const site = buildSite(this.#namespaces, name, kind, this.#built++)
    const { forgetsAfterMs } = kind
    const forgetting = forgetsAfterMs === undefined ? undefined : setInterval(site.load, forgetsAfterMs)
    this.#standing.set(name, { kind, site, forgetting })
  }

  #remove(name: SideName): void {
    const standing = this.#standing.get(name)
    if (standing === undefined) return
    clearInterval(standing.forgetting)
    removeSite(this.#namespaces, name, standing.site)
    this.#standing.delete(name)
  }
}
