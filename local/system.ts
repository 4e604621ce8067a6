/**
 * The whole system on one machine: the embedded DynamoDB, the Lambda handlers behind the gateway and the streams, the
 * scheduled reaper, and nodes as separate processes. It is wired by hand, and equals what `cdk deploy` creates in an
 * account.
 */
import { isIPv6 } from 'node:net'
import type { NetworkId } from '../shared/ids.ts'
import { createClient } from '../shared/store/client.ts'
import type { NodeConfig } from '../udp-edge/config.ts'
import { takeDataFolder } from './data-folder.ts'
import { createTables, startEngine } from './engine.ts'
import { foundSystem } from './founding.ts'
import { type Functions, startFunctions } from './functions.ts'
import { chooseHosts, type Host } from './hosts.ts'
import { NodeProcess, type Ready } from './nodes.ts'
import { loadSecrets, type Secrets, ticketKeysOf } from './secrets.ts'

/** Options of `startSystem`. */
export interface SystemOptions {
  /** Folder that keeps everything across restarts. Default: in memory. */
  readonly data?: string | undefined
  /** True to delete what earlier runs kept in `data`. Default: false. */
  readonly fresh?: boolean | undefined
  /** Addresses of the two nodes. */
  readonly addresses?: readonly string[] | undefined
  /** IPv6 addresses of the same nodes, in the same order. */
  readonly ipv6?: readonly string[] | undefined
  /** Regions that the two nodes report. Peers then look for the nearer node. */
  readonly regions?: readonly [string, string] | undefined
  /** Address of INDEX and the gateway. Default: 127.0.0.1, port 8787. */
  readonly http?: { readonly host: string; readonly port: number } | undefined
  /** True if the system chooses every port, so that tests can run in parallel. */
  readonly freePorts?: boolean | undefined
  /** Names of proxies through which peers reach INDEX. */
  readonly indexHosts?: readonly string[] | undefined
  /** Lifetime of a ticket. Default: LIMITS.signInTicketMs. */
  readonly ticketMs?: number | undefined
  /** `cookiesAbove` of the nodes, as in `NodeConfig`. */
  readonly cookiesAbove?: number | undefined
  /** Receives lines about events in the background. */
  readonly log?: ((line: string) => void) | undefined
}

/** A running system. */
export interface System {
  /** Base URL of INDEX. */
  readonly index: string
  /** URL of the WebSocket API. */
  readonly websocket: string
  /** Endpoint of DynamoDB. */
  readonly dynamodb: string
  readonly nodes: readonly Ready[]
  readonly relays: readonly Ready[]
  /** API key of an administrator. */
  readonly adminKey: string
  /** The first network. */
  readonly network: NetworkId
  /** Reusable invite to the first network. */
  readonly invite: string
  /** Differences from the defaults, with reasons. */
  readonly notes: readonly string[]
  close(): Promise<void>
}

/** Drain time of nodes at the end of the whole system: peers cannot move to another node. */
const DRAIN_MS = 300
const HTTP = { host: '127.0.0.1', port: 8787 }

/** Starts the system. Rejects with `conflict` if another system has the data folder, and `unavailable` if it cannot listen. */
export async function startSystem(options: SystemOptions = {}): Promise<System> {
  const { data, fresh = false } = options
  const closing: (() => void | Promise<void>)[] = []
  if (data !== undefined) closing.push(takeDataFolder(data, fresh))
  const close = async () => {
    for (const end of closing.splice(0).reverse()) await end()
  }
  try {
    return await assemble(options, (end) => closing.push(end), close)
  } catch (error) {
    await close()
    throw error
  }
}

async function assemble(
  options: SystemOptions,
  onClose: (end: () => void | Promise<void>) => void,
  close: () => Promise<void>,
): Promise<System> {
  const { data, ticketMs, indexHosts, freePorts = false, log = () => {} } = options
  const secrets = await loadSecrets(data)
  const engine = await startEngine({ data, log })
  onClose(() => engine.close())
  const client = createClient({ endpoint: engine.endpoint })
  await createTables(client)
  const founded = await foundSystem(client, data)
  const http = options.http ?? (freePorts ? { ...HTTP, port: 0 } : HTTP)
  const started: NodeProcess[] = []
  const functions = await startFunctions({
    client,
    endpoint: engine.endpoint,
    secrets,
    http,
    data,
    ticketMs,
    nodesFailing: () => nodesFailing(started),
    indexHosts,
    log,
  })
  onClose(() => functions.close())
  const hosts = await chooseHosts(options.addresses, freePorts, options.ipv6)
  const start = async (config: NodeConfig) => {
    const node = await NodeProcess.start(config, log)
    started.push(node)
    onClose(() => node.stop())
    return node
  }
  const base = { ...baseConfig(secrets, engine.endpoint, functions), cookiesAbove: options.cookiesAbove }
  const placed = (config: NodeConfig, i: number) => ({ ...config, region: options.regions?.[i] })
  const nodes = await Promise.all(pairConfigs(base, hosts.nodes).map(placed).map(start))
  const relays = [await start({ ...base, ...hosts.relay, roles: ['relay'] })]
  return {
    index: functions.index,
    websocket: functions.websocket,
    dynamodb: engine.endpoint,
    ...founded,
    notes: hosts.notes,
    close,
    get nodes() {
      return nodes.map((node) => node.ready)
    },
    get relays() {
      return relays.map((relay) => relay.ready)
    },
  }
}

function nodesFailing(nodes: readonly NodeProcess[]): string | undefined {
  const ended = nodes.filter((node) => !node.serves).length
  return ended === 0 ? undefined : `${ended} of ${nodes.length} have ended and are started again`
}

type Base = Omit<NodeConfig, 'roles' | 'address' | 'ports'>

function baseConfig(secrets: Secrets, endpoint: string, functions: Functions): Base {
  return {
    fleetKeys: [secrets.fleetKey],
    ticketKeys: ticketKeysOf(secrets),
    gateway: functions.websocket,
    dynamodb: { endpoint },
    drainMs: DRAIN_MS,
  }
}

export function pairConfigs(base: Base, hosts: readonly [Host, Host]): NodeConfig[] {
  return hosts.map((host, i) => {
    const other = hosts[1 - i]!
    const [primary, alternatePort] = other.ports.stun
    const partner = { address: formatEndpoint(other.address, primary), alternatePort }
    return { ...base, ...host, partner, roles: ['checkpoint', 'handshake', 'stun'] }
  })
}

function formatEndpoint(ip: string, port: number): string {
  return isIPv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`
}
