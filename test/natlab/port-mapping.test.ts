/**
 * Ports of a real router: miniupnpd (Debian's) behind which the NAT is symmetric, so that two peers of whom neither has a
 * port stay on the relay. The whole system is on the server, and the peers are the command line.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { type Kinds, Lab, type Place, SERVER_IPS } from './lab.ts'
import { laboratory } from './laboratory.ts'
import type { NatKind } from './nat-kind.ts'
import { NAT_KINDS } from './nat-kinds.ts'

const START = fileURLToPath(new URL('../../local/start.ts', import.meta.url))
const CLI = fileURLToPath(new URL('../../peer/cli/main.ts', import.meta.url))
const ROUTERS = ['pcp', 'nat-pmp', 'upnp'] as const

/** INDEX is asked over TCP, which a router of these kinds translates too. */
const withTcp = <Kind extends NatKind>(kind: Kind): Kind => ({
  ...kind,
  translation: `${kind.translation}\n    oifname "wan" meta l4proto tcp masquerade`,
})
const SYMMETRIC = withTcp(NAT_KINDS['symmetric-random'])

interface Ping {
  readonly path: 'direct' | 'relayed'
  readonly whyNotDirect?: string
  readonly received: number
}

/** A laboratory with the system on its server. */
class Town {
  readonly lab: Lab
  readonly #folder = mkdtempSync(join(tmpdir(), 'straightway-natlab-'))
  readonly #peers: ChildProcess[] = []
  #index = ''
  #invite = ''

  private constructor(lab: Lab) {
    this.lab = lab
  }

  static async start(kinds: Kinds): Promise<Town> {
    const town = new Town(await Lab.start(kinds))
    try {
      await town.#startSystem()
      return town
    } catch (error) {
      await town[Symbol.asyncDispose]()
      throw error
    }
  }

  /** A peer that answers pings; its id. */
  async up(at: 'left' | 'right'): Promise<string> {
    const child = this.#spawn(at, [CLI, 'up', '--json', ...this.#member(at)])
    this.#peers.push(child)
    return (await firstLine<{ peer: string }>(child)).peer
  }

  /** What a peer at the other place finds when it opens a tunnel to that one. */
  async ping(from: 'left' | 'right', peer: string): Promise<Ping> {
    const member = this.#member(`${from}-ping`)
    return JSON.parse(await this.lab.run(from, [process.execPath, CLI, 'ping', peer, '--json', ...member]))
  }

  async doctor(at: 'left' | 'right'): Promise<{ portMapping: object; public: string[] }> {
    const command = [process.execPath, CLI, 'doctor', '--json', '--index', this.#index]
    return JSON.parse(await this.lab.run(at, command))
  }

  /** What the router of a side forwards, one rule each. */
  async forwarded(side: 'left' | 'right'): Promise<string[]> {
    const rules = await this.lab.run(`${side}-router`, ['nft', 'list', 'table', 'inet', 'miniupnpd'])
    return rules.split('\n').filter((rule) => /dnat .*to /.test(rule))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]()
    rmSync(this.#folder, { recursive: true })
  }

  async #startSystem(): Promise<void> {
    const addresses = ['--addresses', SERVER_IPS.join(), '--http', `${SERVER_IPS[0]}:8787`]
    const data = join(this.#folder, 'data')
    const system = this.#spawn('server', [START, '--json', '--data', data, ...addresses])
    const { index, invite } = await firstLine<{ index: string; invite: string }>(system)
    this.#index = index
    this.#invite = invite
  }

  #member(home: string): string[] {
    return ['--index', this.#index, '--invite', this.#invite, '--home', join(this.#folder, home)]
  }

  #spawn(place: Place, command: readonly string[]): ChildProcess {
    return this.lab.spawn(place, [process.execPath, ...command], { stdio: ['ignore', 'pipe', 'inherit'] })
  }
}

async function firstLine<T>(child: ChildProcess): Promise<T> {
  for await (const line of createInterface({ input: child.stdout! })) return JSON.parse(line)
  throw new Error(`ended with ${child.exitCode}`)
}

laboratory('a port of the router', { tools: ['miniupnpd'] }, () => {
  it('without one, two symmetric NATs leave a tunnel on the relay', async () => {
    await using town = await Town.start({ left: SYMMETRIC, right: SYMMETRIC })
    const found = await town.ping('left', await town.up('right'))
    expect(found).toMatchObject({ path: 'relayed', whyNotDirect: 'both-symmetric' })
  })

  it.each(ROUTERS)('%s at one side makes it direct, whichever side begins', async (kind) => {
    await using town = await Town.start({ left: withTcp(NAT_KINDS[kind]), right: SYMMETRIC })
    const [left, right] = await Promise.all([town.up('left'), town.up('right')])
    expect(await town.ping('left', right)).toMatchObject({ path: 'direct', received: 10 })
    expect(await town.ping('right', left)).toMatchObject({ path: 'direct', received: 10 })
  })
})
