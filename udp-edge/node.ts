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
import type { PeerGone, PushedDatagram } from '../shared/carried.ts'
import { ASK_MS } from '../shared/core/checkpoint/asks.ts'
import { identityOf } from '../shared/crypto/identity.ts'
import type { FleetItem } from '../shared/directory.ts'
import { type NodeId, toBase32 } from '../shared/ids.ts'
import type { Push } from '../shared/push.ts'
import { createClient } from '../shared/store/client.ts'
import { createFleet } from '../shared/store/fleet.ts'
import { CarriedPeers } from './carried-socket.ts'
import { TABLE_CONNECTIONS } from './checkpoint.ts'
import type { NodeConfig, NodeKeys, Role } from './config.ts'
import { GatewayPeers } from './gateway-peers.ts'
import { Lease } from './lease.ts'
import { samplesOf } from './metrics.ts'
import { publishMetrics } from './metrics-publisher.ts'
import { addressesOf } from './node-addresses.ts'
import { PushChannel } from './push-channel.ts'
import { SaturationMeter } from './saturation.ts'
import {
  closeAll,
  fleetKeysOf,
  type Log,
  loadOf,
  type ServiceParts,
  type Services,
  socketsOf,
  startServices,
  ticketKeysOf,
} from './services.ts'
import { stunPartnerOf } from './stun-partner.ts'

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

interface Served extends Pick<ServiceParts, 'node' | 'carried' | 'log'> {
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
