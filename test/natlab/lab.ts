/**
 * Two hosts behind a router each, four routers of a core between them, and a server with two addresses in its middle:
 *
 *   left - left-router - core1 - core2 - core3 - core4 - right-router - right
 *                                  |
 *                                server (198.51.100.1 and 198.51.100.2)
 *
 * so that a packet with a TTL of 3 to 6 passes its own router and not the other one. All real: kernel, netfilter, processes.
 */
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { Namespaces } from './namespaces.ts'
import { type NatKind, rulesetOf } from './nat-kinds.ts'

export type Place = 'left' | 'right' | 'server'

export const SERVER_IPS = ['198.51.100.1', '198.51.100.2'] as const

interface Side {
  readonly name: 'left' | 'right'
  readonly core: string
  readonly wan: string
  readonly gateway: string
  /** Where hosts have private addresses, and where routed ones. */
  readonly lan: { readonly translated: string; readonly routed: string }
}

const SIDES: readonly Side[] = [
  {
    name: 'left',
    core: 'core1',
    wan: '203.0.113.2',
    gateway: '203.0.113.1',
    lan: { translated: '192.168.1', routed: '198.18.1' },
  },
  {
    name: 'right',
    core: 'core4',
    wan: '203.0.113.130',
    gateway: '203.0.113.129',
    lan: { translated: '192.168.2', routed: '198.18.2' },
  },
]
const CORE = ['core1', 'core2', 'core3', 'core4'] as const

export class Lab {
  readonly #namespaces: Namespaces

  private constructor(namespaces: Namespaces) {
    this.#namespaces = namespaces
  }

  /** Throws what nft or ip said, with nothing left behind. */
  static async start(kinds: { readonly left: NatKind; readonly right: NatKind }): Promise<Lab> {
    const namespaces = new Namespaces()
    try {
      buildCore(namespaces)
      for (const side of SIDES) buildSide(namespaces, side, kinds[side.name])
      return new Lab(namespaces)
    } catch (error) {
      await namespaces.close()
      throw error
    }
  }

  /** Runs a command at a place to its end; what it printed. */
  run(place: Place, command: readonly string[], timeoutMs?: number): Promise<string> {
    return this.#namespaces.run(place, command, timeoutMs)
  }

  /** A process that lives until the laboratory is closed. */
  spawn(place: Place, command: readonly string[], options?: SpawnOptions): ChildProcess {
    return this.#namespaces.spawn(place, command, options)
  }

  /** The router forgets its mappings, as after a restart. */
  rebind(side: 'left' | 'right'): void {
    this.#namespaces.exec(`${side}-router`, ['conntrack', '-F'])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#namespaces.close()
  }
}

function buildCore(namespaces: Namespaces): void {
  for (const name of [...CORE, 'server']) namespaces.add(name)
  for (let i = 1; i < CORE.length; i++) {
    const [a, b] = [CORE[i - 1]!, CORE[i]!]
    namespaces.wire(
      { at: a, name: 'right', addresses: [`192.0.2.${4 * i + 1}/30`] },
      { at: b, name: 'left', addresses: [`192.0.2.${4 * i + 2}/30`] },
    )
    for (const to of ['203.0.113.128/25', '198.18.2.0/24']) namespaces.route(a, to, `192.0.2.${4 * i + 2}`)
    for (const to of ['203.0.113.0/25', '198.18.1.0/24']) namespaces.route(b, to, `192.0.2.${4 * i + 1}`)
  }
  connectServer(namespaces)
}

function connectServer(namespaces: Namespaces): void {
  namespaces.wire(
    { at: 'core2', name: 'server', addresses: ['198.51.100.254/24'] },
    { at: 'server', name: 'core', addresses: SERVER_IPS.map((ip) => `${ip}/24`) },
  )
  namespaces.route('server', 'default', '198.51.100.254')
  namespaces.route('core1', '198.51.100.0/24', '192.0.2.6')
  namespaces.route('core3', '198.51.100.0/24', '192.0.2.9')
  namespaces.route('core4', '198.51.100.0/24', '192.0.2.13')
}

function buildSide(namespaces: Namespaces, { name, core, wan, gateway, lan }: Side, kind: NatKind): void {
  const router = `${name}-router`
  const prefix = kind.translates ? lan.translated : lan.routed
  namespaces.add(router)
  namespaces.add(name)
  namespaces.wire(
    { at: core, name: 'site', addresses: [`${gateway}/25`] },
    { at: router, name: 'wan', addresses: [`${wan}/25`] },
  )
  namespaces.wire(
    { at: router, name: 'lan', addresses: [`${prefix}.1/24`] },
    { at: name, name: 'lan', addresses: [`${prefix}.10/24`] },
  )
  namespaces.route(router, 'default', gateway)
  namespaces.route(name, 'default', `${prefix}.1`)
  namespaces.route(core, `${lan.routed}.0/24`, wan)
  namespaces.exec(router, ['nft', '-f', '-'], rulesetOf(kind, { wan, host: `${prefix}.10` }))
}
