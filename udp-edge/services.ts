/** The services of a node: those of its roles, each on its own port and on the common ports. */
import { isIPv6 } from 'node:net'
import type { CarriedService } from '../shared/carried.ts'
import type { identityOf } from '../shared/crypto/identity.ts'
import { fromBase32, type NodeId } from '../shared/ids.ts'
import type { createClient } from '../shared/store/client.ts'
import { createDirectory } from '../shared/store/directory.ts'
import { createPeerSearch } from '../shared/store/search.ts'
import { createTraversalHistory, type TraversalHistoryTable } from '../shared/store/traversal-history.ts'
import type { StepKind } from '../shared/wire/handshake.ts'
import { bindUdp } from './bind.ts'
import type { CarriedPeers } from './carried-socket.ts'
import { type Checkpoint, startCheckpoint } from './checkpoint.ts'
import { CommonPorts } from './common-ports.ts'
import type { NodeConfig, NodeKeys, Role } from './config.ts'
import type { DriverCounters } from './drive.ts'
import { type Handshake, startHandshake, type TraversalHistory } from './handshake.ts'
import { bindBeside } from './port-socket.ts'
import { type Relay, startRelay } from './relay.ts'
import type { Bind } from './socket.ts'
import { type Stun, startStun } from './stun.ts'

export type Log = (what: string, error?: unknown) => void

export interface Services {
  readonly checkpoint?: Checkpoint
  readonly handshake?: Handshake
  readonly stun?: Stun
  readonly relay?: Relay
}

export interface ServiceParts {
  readonly node: NodeId
  readonly identity: ReturnType<typeof identityOf>
  readonly client: ReturnType<typeof createClient>
  readonly carried: Readonly<Record<CarriedService, CarriedPeers>>
  /** Called if a service needs a node that is not in the last fleet read. */
  readonly onMissing: () => void
  readonly log: Log
}

/** Starts the services. Rejects with `unavailable` if an own port of a service cannot be bound. */
export async function startServices(config: NodeConfig, parts: ServiceParts): Promise<Services> {
  const { node, identity, client, onMissing, log } = parts
  const { roles, address: host, publicAddress = host, ports, partner, cookiesAbove } = config
  const fleetKeys = fleetKeysOf(config)
  const has = (role: Role) => roles.includes(role)
  const base = { host, publicAddress, node, fleetKeys, onMissing }
  const keys = { publicKey: identity.staticPublic, secretKey: identity.staticSecret }
  const directory = createDirectory(client, { search: createPeerSearch(client) })
  const ticketKeys = ticketKeysOf(config)
  const history = historyOf(createTraversalHistory(client), log)
  const bind = bindOf(config)
  const common = await CommonPorts.open({ host, ports: ports.common ?? [], bind, log })
  const bindCarried = (service: CarriedService) =>
    common.bindFor(service, parts.carried[service].beside(bind))
  const [checkpoint, handshake, stun, relay] = await Promise.all([
    has('checkpoint')
      ? startCheckpoint({
          ...base,
          port: ports.checkpoint,
          identity: keys,
          ticketKeys,
          directory,
          common: common.endpoints,
          bind: bindCarried('checkpoint'),
          ...(cookiesAbove !== undefined && { cookiesAbove }),
        })
      : undefined,
    has('handshake')
      ? startHandshake({
          ...base,
          port: ports.handshake,
          history,
          common: common.endpoints,
          bind: bindCarried('handshake'),
        })
      : undefined,
    has('stun')
      ? startStun({
          ...{ address: host, publicAddress, ports: ports.stun, fleetKeys },
          ...(partner && { partner }),
          bind: common.bindFor('stun'),
        })
      : undefined,
    has('relay')
      ? startRelay({
          ...{ host, publicAddress, fleetKeys },
          ...relayPorts(ports),
          common: common.endpoints,
          bind: common.bindFor('relay'),
          ...(config.relayPath !== 'process' && { kernel: { log } }),
        })
      : undefined,
  ])
  await common.closeUnused()
  return {
    ...(checkpoint && { checkpoint }),
    ...(handshake && { handshake }),
    ...(stun && { stun }),
    ...(relay && { relay }),
  }
}

function bindOf({ address, publicIpv6 }: NodeConfig): Bind {
  return publicIpv6 === undefined || isIPv6(address) ? bindUdp : bindBeside(bindUdp, publicIpv6)
}

function relayPorts({ relay, relayTls }: NodeConfig['ports']) {
  return { port: relay, ...(relayTls !== undefined && { tls: { port: relayTls } }) }
}

export function fleetKeysOf({ fleetKeys }: NodeKeys): readonly Uint8Array[] {
  return fleetKeys.map((key) => new Uint8Array(Buffer.from(key, 'base64')))
}

export function ticketKeysOf({ ticketKeys }: NodeKeys): Map<string, Uint8Array> {
  return new Map(Object.entries(ticketKeys).map(([kid, key]) => [kid, fromBase32(key) ?? new Uint8Array(0)]))
}

/** The traversal history. Its errors are ignored or logged, because losing it only changes the order of steps. */
function historyOf(table: TraversalHistoryTable, log: Log): TraversalHistory {
  return {
    recall: (pair) =>
      table.recall(pair).then(
        (technique) => technique as StepKind | undefined,
        () => undefined,
      ),
    remember: (pair, technique) => {
      table
        .remember(pair, technique, Date.now() / 1000)
        .catch((error) => log('traversal history was not kept', error))
    },
  }
}

/** Load for the lease, 0 to 1: that of the busiest service. */
export function loadOf({ checkpoint, handshake, relay }: Services): number {
  return Math.max(checkpoint?.load ?? 0, handshake?.load ?? 0, relay?.load ?? 0)
}

/** Datagrams that the services received, and that the system dropped before. */
export function socketsOf(services: Services): { received: number; overrun: number } {
  const sum = { received: 0, overrun: 0 }
  for (const service of Object.values(services) as { counters(): { socket: DriverCounters } }[]) {
    const { received, overrun } = service.counters().socket
    sum.received += received
    sum.overrun += overrun
  }
  return sum
}

export async function closeAll(services: Services): Promise<void> {
  await Promise.all(Object.values(services).map((service: { close(): Promise<void> }) => service.close()))
}
