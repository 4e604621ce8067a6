/**
 * The system under torture: the embedded DynamoDB behind a failing proxy, INDEX and the gateway in this process, each node as a
 * process, and networks between all of them that can be cut.
 *
 *   nodes      each at an address of its own; other nodes reach it through `NodeNetwork`, its gateway connection is a `TcpWire`
 *   peers      each group behind an `AccessNetwork`
 *   DynamoDB   one proxy for nodes, one for functions. Streams are read directly
 */
import { randomInt } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createTables, freePort, startEngine } from '../../../local/engine.ts'
import { foundSystem } from '../../../local/founding.ts'
import { startFunctions } from '../../../local/functions.ts'
import { NodeProcess } from '../../../local/nodes.ts'
import { loadSecrets, ticketKeysOf } from '../../../local/secrets.ts'
import { createClient } from '../../../shared/store/client.ts'
import { Dice } from '../../sim/dice.ts'
import { AccessNetwork } from './access-network.ts'
import { NodeNetwork } from './node-network.ts'
import { TablesProxy } from './tables-proxy.ts'
import { type Tap, TcpWire } from './wire.ts'

export interface StageOptions {
  readonly nodes: number
  readonly groups: number
  readonly seed: number
  /** Folder for the clocks of nodes and the log. */
  readonly folder: string
  readonly log: (line: string) => void
  /** Gets whatever passes between the parts. Traffic with INDEX is not included. */
  readonly tap?: (wire: Wire, bytes: Uint8Array) => void
}

/** Datagrams of peers and nodes, datagrams between nodes, pushes to nodes, and requests to the tables. */
export type Wire = 'peers' | 'nodes' | 'pushes' | 'tables'

export interface Stage {
  readonly index: string
  /** The embedded DynamoDB without a proxy. */
  readonly dynamodb: string
  readonly adminKey: string
  readonly nodes: readonly StagedNode[]
  readonly access: readonly AccessNetwork[]
  /** URL of INDEX for each group. */
  readonly indexes: readonly string[]
  readonly between: NodeNetwork
  readonly tables: { readonly nodes: TablesProxy; readonly functions: TablesProxy }
  close(): Promise<void>
}

export interface StagedNode {
  readonly pid: number
  readonly wire: TcpWire
  /** Sets the wall clock of this node, also of the process that replaces it. */
  setClock(aheadMs: number): void
}

const PORTS = { checkpoint: 3480, handshake: 3481, stun: [3478, 3479] as [number, number], relay: 0 }
const FORWARDED = [PORTS.checkpoint, PORTS.handshake]
const CLOCK = pathToFileURL(join(import.meta.dirname, 'shifted-clock.ts')).href
/** Last numbers of addresses: private ones of nodes, and public ones. */
const PRIVATE = 10
const PUBLIC = 100

export async function buildStage({ nodes, groups, seed, folder, log, tap }: StageOptions): Promise<Stage> {
  const tapOf =
    (wire: Wire): Tap =>
    (bytes) =>
      tap?.(wire, bytes)
  const closing: (() => void | Promise<void>)[] = []
  const close = async () => {
    for (const end of closing.splice(0).reverse()) await end()
  }
  try {
    const [first, second] = [randomInt(16, 255), randomInt(250 - groups)]
    const net = `127.${first}.${second}`
    const dice = new Dice(`stage ${seed}`)
    const engine = await startEngine({ log })
    closing.push(() => engine.close())
    const proxy = async (name: string) => {
      const made = new TablesProxy(engine.endpoint, dice.fork(name), tapOf('tables'))
      closing.push(() => made.close())
      return { made, url: await made.open() }
    }
    const [nodeTables, functionTables] = [await proxy('nodes'), await proxy('functions')]
    const direct = createClient({ endpoint: engine.endpoint })
    await createTables(direct)
    const founded = await foundSystem(direct, undefined)
    direct.destroy()
    const indexPort = await freePort()
    const hosts = Array.from(
      { length: groups },
      (_, group) => `127.${first}.${second + 1 + group}.1:${indexPort}`,
    )
    process.env.GATEWAY_HOSTS = hosts.join()
    const secrets = await loadSecrets(undefined)
    const functions = await startFunctions({
      client: createClient({ endpoint: functionTables.url }),
      endpoint: engine.endpoint,
      secrets,
      http: { host: '127.0.0.1', port: 0 },
      data: undefined,
      indexHosts: hosts,
      log,
    })
    closing.push(() => functions.close())
    const places = Array.from({ length: nodes }, (_, i) => ({
      private: `${net}.${PRIVATE + i}`,
      public: `${net}.${PUBLIC + i}`,
    }))
    const between = new NodeNetwork(places, FORWARDED, tapOf('nodes'))
    closing.push(() => between.close())
    await between.open()
    const clocks = join(folder, 'clocks')
    mkdirSync(clocks, { recursive: true })
    process.env.TORTURE_CLOCKS = clocks
    process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import ${CLOCK}`.trim()
    const staged = await Promise.all(
      places.map(async (place): Promise<StagedNode> => {
        const wire = new TcpWire(new URL(functions.websocket), tapOf('pushes'))
        closing.push(() => wire.close())
        const port = await wire.open('127.0.0.1')
        const config = {
          fleetKeys: [secrets.fleetKey],
          ticketKeys: ticketKeysOf(secrets),
          gateway: `ws://127.0.0.1:${port}/ws`,
          dynamodb: { endpoint: nodeTables.url },
          drainMs: 300,
          address: place.private,
          publicAddress: place.public,
          ports: PORTS,
          roles: ['checkpoint' as const, 'handshake' as const],
        }
        const node = await NodeProcess.start(config, (line) => log(`${place.private}: ${line}`))
        closing.push(() => node.stop())
        return {
          get pid() {
            return node.ready.pid
          },
          wire,
          setClock(aheadMs) {
            writeFileSync(join(clocks, place.private), `${aheadMs}`)
            signal(node.ready.pid, 'SIGUSR2')
          },
        }
      }),
    )
    const access: AccessNetwork[] = []
    const indexes: string[] = []
    for (let group = 0; group < groups; group++) {
      const network = new AccessNetwork({
        net: `127.${first}.${second + 1 + group}`,
        nodesNet: net,
        nodes: places.map((place, i) => ({ last: PUBLIC + i, private: place.private })),
        ports: FORWARDED,
        index: functions.index,
        indexPort,
        dice: dice.fork(`access ${group}`),
        tap: tapOf('peers'),
      })
      closing.push(() => network.close())
      access.push(network)
      indexes.push(await network.open())
    }
    const tables = { nodes: nodeTables.made, functions: functionTables.made }
    closing.push(() => rmSync(clocks, { recursive: true, force: true }))
    return {
      index: functions.index,
      dynamodb: engine.endpoint,
      adminKey: founded.adminKey,
      nodes: staged,
      access,
      indexes,
      between,
      tables,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Sends a signal. False if the process has just ended. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}
