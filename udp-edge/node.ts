/**
 * A node: the services of its roles, in one process.
 *
 *   start   sockets are bound, then the lease is taken: nobody is sent here before it serves
 *   serve   the lease is renewed and the fleet read (lease.ts); pushes come through the gateway (push-channel.ts)
 *   drain   on SIGTERM: the lease says so, sessions are asked to sign in elsewhere, tunnels and relay legs get time to move
 *   close   the lease is given back
 *
 * Its id and its Noise key are generated at every start, so a restarted node is a new node. The reaper removes the former
 * node's entries from the tables when its lease has expired.
 */
import { randomBytes } from 'node:crypto'
import type { CarriedService, PeerGone, PushedDatagram } from '../shared/carried.ts'
import { ASK_MS } from '../shared/core/checkpoint/asks.ts'
import { identityOf } from '../shared/crypto/identity.ts'
import type { FleetItem } from '../shared/directory.ts'
import { fromBase32, type NodeId, toBase32 } from '../shared/ids.ts'
import type { Push } from '../shared/push.ts'
import { createClient } from '../shared/store/client.ts'
import { createDirectory } from '../shared/store/directory.ts'
import { createFleet } from '../shared/store/fleet.ts'
import { createPeerSearch } from '../shared/store/search.ts'
import { createTraversalHistory, type TraversalHistoryTable } from '../shared/store/traversal-history.ts'
import type { StepKind } from '../shared/wire/handshake.ts'
import { bindUdp } from './bind.ts'
import { CarriedPeers } from './carried-socket.ts'
import { type Checkpoint, startCheckpoint, TABLE_CONNECTIONS } from './checkpoint.ts'
import type { NodeConfig, NodeKeys, Role } from './config.ts'
import type { DriverCounters } from './drive.ts'
import { GatewayPeers } from './gateway-peers.ts'
import { type Handshake, startHandshake, type TraversalHistory } from './handshake.ts'
import { Lease } from './lease.ts'
import { samplesOf } from './metrics.ts'
import { publishMetrics } from './metrics-publisher.ts'
import { addressesOf } from './node-addresses.ts'
import { PushChannel } from './push-channel.ts'
import { type Relay, startRelay } from './relay.ts'
import { SaturationMeter } from './saturation.ts'
import { type Stun, startStun } from './stun.ts'
import { stunPartnerOf } from './stun-partner.ts'

export type Log = (what: string, error?: unknown) => void

export interface Node {
  readonly node: NodeId
  readonly roles: readonly Role[]
  readonly addresses: FleetItem['addresses']
  /** Sets rotated keys: from now on these are used and accepted. */
  setKeys(keys: NodeKeys): void
  /** Moves sessions, tunnels and relay legs to other nodes. Resolves when they have gone, at the latest after `graceMs`. */
  drain(graceMs: number): Promise<void>
  close(): Promise<void>
}

interface Services {
  readonly checkpoint?: Checkpoint
  readonly handshake?: Handshake
  readonly stun?: Stun
  readonly relay?: Relay
}

export async function startNode(config: NodeConfig, log: Log): Promise<Node> {
  const node = `node_${toBase32(randomBytes(5))}` as NodeId
  const identity = identityOf(randomBytes(32))
  const client = createClient({ ...config.dynamodb, connections: TABLE_CONNECTIONS, callMs: ASK_MS })
  const carried = { checkpoint: new CarriedPeers(), handshake: new CarriedPeers() }
  let lease: Lease | undefined
  const onMissing = () => void lease?.look()
  const services = await startServices(config, { node, identity, client, carried, onMissing, log })
  const addresses = addressesOf(services, config.publicIpv6)
  const meter = new SaturationMeter(() => socketsOf(services))
  const taken = await Lease.take({
    fleet: createFleet(client),
    item: {
      node,
      roles: config.roles,
      publicKey: toBase32(identity.staticPublic),
      addresses,
      ...(services.relay?.tls && { relayTls: services.relay.tls }),
      ...(config.region !== undefined && { region: config.region }),
      startedAt: Date.now(),
    },
    load: () => Math.max(loadOf(services), meter.read()),
    onLost: () => services.checkpoint?.leaseLost(),
    onFleet: (items) => {
      services.checkpoint?.setFleet(items)
      services.handshake?.setFleet(items)
      if (config.partner === undefined) services.stun?.setPartner(stunPartnerOf(node, items))
    },
    log,
  }).catch(async (error) => {
    await closeAll(services)
    throw error
  })
  lease = taken
  const channel = pushChannel(config, { node, services, carried, lease: taken, log })
  const metrics = await publishMetrics({
    config: config.metrics,
    read: () => samplesOf(services),
    print: (line) => void process.stdout.write(`${line}\n`),
    log,
  })
  return {
    node,
    roles: config.roles,
    addresses,
    setKeys(keys) {
      const fleetKeys = fleetKeysOf(keys)
      services.checkpoint?.setTicketKeys(ticketKeysOf(keys))
      for (const service of Object.values(services) as Services[keyof Services][])
        service?.setFleetKeys(fleetKeys)
      channel?.setFleetKey(fleetKeys[0]!)
    },
    async drain(graceMs) {
      await taken.drain()
      await Promise.all([
        services.checkpoint?.drain(graceMs),
        services.handshake?.drain(graceMs),
        services.relay?.drain(graceMs),
      ])
    },
    async close() {
      channel?.close()
      await metrics.close()
      await closeAll(services)
      await taken.leave()
      client.destroy()
    },
  }
}

interface Parts {
  readonly node: NodeId
  readonly identity: ReturnType<typeof identityOf>
  readonly client: ReturnType<typeof createClient>
  readonly carried: Readonly<Record<CarriedService, CarriedPeers>>
  /** Called if a service needs a node that is not in the last fleet read. */
  readonly onMissing: () => void
  readonly log: Log
}

async function startServices(config: NodeConfig, parts: Parts): Promise<Services> {
  const { node, identity, client, onMissing, log } = parts
  const { roles, address: host, publicAddress = host, ports, partner, cookiesAbove } = config
  const fleetKeys = fleetKeysOf(config)
  const has = (role: Role) => roles.includes(role)
  const common = { host, publicAddress, node, fleetKeys, onMissing }
  const keys = { publicKey: identity.staticPublic, secretKey: identity.staticSecret }
  const directory = createDirectory(client, { search: createPeerSearch(client) })
  const ticketKeys = ticketKeysOf(config)
  const history = historyOf(createTraversalHistory(client), log)
  const checkpointBind = parts.carried.checkpoint.beside(bindUdp)
  const handshakeBind = parts.carried.handshake.beside(bindUdp)
  const [checkpoint, handshake, stun, relay] = await Promise.all([
    has('checkpoint')
      ? startCheckpoint({
          ...common,
          port: ports.checkpoint,
          identity: keys,
          ticketKeys,
          directory,
          bind: checkpointBind,
          ...(cookiesAbove !== undefined && { cookiesAbove }),
        })
      : undefined,
    has('handshake')
      ? startHandshake({ ...common, port: ports.handshake, history, bind: handshakeBind })
      : undefined,
    has('stun')
      ? startStun({ address: host, publicAddress, ports: ports.stun, fleetKeys, ...(partner && { partner }) })
      : undefined,
    has('relay')
      ? startRelay({
          ...{ host, publicAddress, fleetKeys },
          ...relayPorts(ports),
          ...(config.relayPath !== 'process' && { kernel: { log } }),
        })
      : undefined,
  ])
  return {
    ...(checkpoint && { checkpoint }),
    ...(handshake && { handshake }),
    ...(stun && { stun }),
    ...(relay && { relay }),
  }
}

function relayPorts({ relay, relayTls }: NodeConfig['ports']) {
  return { port: relay, ...(relayTls !== undefined && { tls: { port: relayTls } }) }
}

function fleetKeysOf({ fleetKeys }: NodeKeys): readonly Uint8Array[] {
  return fleetKeys.map((key) => new Uint8Array(Buffer.from(key, 'base64')))
}

function ticketKeysOf({ ticketKeys }: NodeKeys): Map<string, Uint8Array> {
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

function loadOf({ checkpoint, handshake, relay }: Services): number {
  return Math.max(checkpoint?.load ?? 0, handshake?.load ?? 0, relay?.load ?? 0)
}

function socketsOf(services: Services): { received: number; overrun: number } {
  const sum = { received: 0, overrun: 0 }
  for (const service of Object.values(services) as { counters(): { socket: DriverCounters } }[]) {
    const { received, overrun } = service.counters().socket
    sum.received += received
    sum.overrun += overrun
  }
  return sum
}

interface Served extends Pick<Parts, 'node' | 'carried' | 'log'> {
  readonly services: Services
  readonly lease: Lease
}

function pushChannel(config: NodeConfig, served: Served): PushChannel | undefined {
  const { node, services, carried, lease, log } = served
  if (config.gateway === undefined) return undefined
  const onPush = (push: Push) =>
    push.kind === 'fleet' ? lease.learn(push.item) : services.checkpoint?.push(push)
  const onOpen = () => {
    services.checkpoint?.pushesArrive(true)
    void lease.look()
  }
  const onLost = () => services.checkpoint?.pushesArrive(false)
  const fleetKey = fleetKeysOf(config)[0]!
  const guests = new GatewayPeers({ services: carried, send: (datagram) => channel.send(datagram) })
  const onCarried = (said: PushedDatagram | PeerGone) => guests.take(said)
  const channel: PushChannel = new PushChannel({
    url: config.gateway,
    node,
    fleetKey,
    onPush,
    onCarried,
    onOpen,
    onLost,
    log,
  })
  return channel
}

async function closeAll(services: Services): Promise<void> {
  await Promise.all(Object.values(services).map((service: { close(): Promise<void> }) => service.close()))
}
