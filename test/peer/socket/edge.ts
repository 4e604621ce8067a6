/**
 * HANDSHAKE, RELAY and STUN of one node on loopback, in this process, and pairs of sockets whose two sides have already
 * agreed on a tunnel.
 */
import { randomBytes } from 'node:crypto'
import dgram from 'node:dgram'
import { once } from 'node:events'
import type { Carrier, Carry } from '../../../peer/net/carrier.ts'
import { drive } from '../../../peer/net/drive.ts'
import type { Receive } from '../../../peer/net/dual-socket.ts'
import { EndpointSockets } from '../../../peer/net/endpoint-sockets.ts'
import { hostIps } from '../../../peer/net/host-addresses.ts'
import { RelayTls } from '../../../peer/net/relay-tls.ts'
import { PeerSocket } from '../../../peer/peer-socket.ts'
import type { Tunnel } from '../../../peer/tunnel.ts'
import { TunnelHost } from '../../../peer/tunnel-host.ts'
import type { Agreement, TunnelsEffect, TunnelsInput } from '../../../shared/core/peer/events.ts'
import { Tunnels } from '../../../shared/core/peer/tunnels.ts'
import { type Grant, grantKey, sealGrant } from '../../../shared/crypto/grant.ts'
import { identityOf } from '../../../shared/crypto/identity.ts'
import { Random } from '../../../shared/crypto/random.ts'
import type { FleetItem } from '../../../shared/directory.ts'
import type { Loop } from '../../../shared/drive/loop.ts'
import { type NodeId, type TunnelId, toBase32 } from '../../../shared/ids.ts'
import { formatAddress, NOWHERE, parseAddress, sameAddress } from '../../../shared/wire/address.ts'
import type { TunnelTerms } from '../../../shared/wire/offers.ts'
import { startHandshake } from '../../../udp-edge/handshake.ts'
import { type Relay, startRelay } from '../../../udp-edge/relay.ts'
import { startStun } from '../../../udp-edge/stun.ts'

const HOST = '127.0.0.1'

/** The transport between an end and the relay: TLS if UDP counts as dropped there. The end still uses UDP for the HANDSHAKE. */
export type Way = 'udp' | 'tls'

export interface End {
  readonly tunnel: Tunnel
  readonly socket: PeerSocket
  readonly host: TunnelHost
}

export interface Edge {
  readonly relay: Relay
  /** TCP port at which ends reach the relay over TLS. A test may change it to put something in between. */
  tlsPort: number
  /** Returns two open ends of a tunnel. */
  pair(terms?: Partial<TunnelTerms>): Promise<[PeerSocket, PeerSocket]>
  ends(terms: Partial<TunnelTerms>, ways: readonly [Way, Way]): Promise<[End, End]>
  /** Returns the number of packets that the relay forwarded. */
  relayed(): number
  close(): Promise<void>
}

/** Starts the node. `dropped`: services whose UDP port is silent. A HANDSHAKE is then reached as if through the gateway. */
export async function startEdge({
  dropped = [],
}: {
  readonly dropped?: readonly ('handshake' | 'relay')[]
} = {}): Promise<Edge> {
  const silence = await Promise.all([silentPort(), silentPort()])
  const fleetKey = randomBytes(32)
  const fleetKeys = [fleetKey]
  const relay = await startRelay({ host: HOST, port: 0, fleetKeys, tls: { port: 0 } })
  const stun = await startStun({ address: HOST, ports: [0, 0], fleetKeys })
  const node = 'node_aaaaaaaa' as NodeId
  const handshake = await startHandshake({ host: HOST, port: 0, node, fleetKeys })
  const relayAt = dropped.includes('relay') ? silence[0].address : relay.address
  const handshakeAt = dropped.includes('handshake') ? silence[1].address : handshake.address
  handshake.setFleet([leaseOf(relayAt)])
  const stunServers = [
    { primary: parseAddress(stun.addresses[0])!, alternate: parseAddress(stun.addresses[1])! },
  ]
  const hosts: TunnelHost[] = []

  const fault = (error: unknown) => {
    throw error
  }
  const end = (agreement: Agreement, way: Way): End => {
    const carry: Carry = (receive) => [
      new RelayTls({ endpointAt, missed: () => {}, receive }),
      ...(dropped.includes('handshake') ? [byPost(handshakeAt, handshake.address, receive)] : []),
    ]
    const machine = new Tunnels({ random: new Random(randomBytes(32)) })
    const sockets = new EndpointSockets({
      receive: (bytes, words, socket) => loop.receive(bytes, words, socket),
      carry,
    })
    const host = new TunnelHost({
      sockets,
      handle: (input) => loop.handle(input),
      statusOf: (tunnel) => machine.machineOf(tunnel)?.status,
    })
    const perform = (effect: TunnelsEffect) => {
      if (effect.kind === 'interval' || effect.kind === 'unprepared') throw new Error(effect.kind)
      if (effect.kind !== 'prepared' && effect.kind !== 'rejoinWanted') host.perform(effect)
    }
    const send = (...given: Parameters<EndpointSockets['send']>) => sockets.send(...given)
    const loop: Loop<TunnelsInput, TunnelsEffect> = drive(machine, { send, perform, fault })
    loop.handle({ kind: 'host', ips: hostIps() })
    loop.handle({ kind: 'stun', servers: stunServers })
    host.setUdp(way === 'tls')
    hosts.push(host)
    const tunnel = host.add(agreement.tunnel, agreement.peer)
    const socket = new PeerSocket(tunnel)
    loop.handle({ kind: 'agreed', agreement })
    return { tunnel, socket, host }
  }
  const endpointAt = (words: Uint32Array, at: number) =>
    formatAddress(words, at) === relayAt ? { port: edge.tlsPort, pin: relay.tls!.pin } : undefined

  const edge: Edge = {
    relay,
    tlsPort: relay.tls!.port,
    async pair(terms = {}) {
      const [a, b] = await edge.ends(terms, ['udp', 'udp'])
      return [a.socket, b.socket]
    },
    async ends(terms, ways) {
      const agreed = agreements(fleetKey, handshakeAt, { clear: false, paths: 'auto', ...terms })
      const [a, b] = [end(agreed[0], ways[0]), end(agreed[1], ways[1])]
      await Promise.all([a.tunnel.opened, b.tunnel.opened])
      return [a, b]
    },
    relayed: () => relay.counters().packets,
    async close() {
      await Promise.all(hosts.map((host) => host.close()))
      await Promise.all([handshake.close(), relay.close(), stun.close()])
      for (const { socket } of silence) socket.close()
    },
  }
  return edge
}

/** Opens a UDP port that receives and never answers. */
async function silentPort(): Promise<{ readonly socket: dgram.Socket; readonly address: string }> {
  const socket = dgram.createSocket('udp4').bind(0, HOST)
  await once(socket, 'listening')
  return { socket, address: `${HOST}:${socket.address().port}` }
}

/** Carries datagrams for one address to another, and back. */
function byPost(from: string, to: string, receive: Receive): Carrier {
  const [{ words: seen }, { words: real }] = [parseAddress(from)!, parseAddress(to)!]
  const socket = dgram.createSocket('udp4').on('message', (bytes) => receive(bytes, seen))
  return {
    send(words, at, bytes) {
      if (!sameAddress(words, at, seen, 0)) return false
      socket.send(Buffer.from(bytes), real[4]!, HOST)
      return true
    },
    close: () => socket.close(),
  }
}

function leaseOf(relay: string): FleetItem {
  return {
    node: 'node_bbbbbbbb' as NodeId,
    roles: ['relay'],
    publicKey: 'a'.repeat(52),
    addresses: { relay: [relay] },
    load: 0,
    draining: false,
    startedAt: Date.now(),
    expiresAtSeconds: Math.floor(Date.now() / 1000) + 3600,
  }
}

function agreements(fleetKey: Uint8Array, handshake: string, terms: TunnelTerms): [Agreement, Agreement] {
  const tunnel = toBase32(randomBytes(16)) as TunnelId
  const peers = [identityOf(randomBytes(32)).peer, identityOf(randomBytes(32)).peer] as const
  const [up, down] = [randomBytes(32), randomBytes(32)]
  const expiresAt = Date.now() + 60_000
  const side = (leg: 0 | 1): Agreement => {
    const fields: Grant = { tunnel, leg, self: peers[leg], other: peers[leg === 0 ? 1 : 0], expiresAt }
    const grant = sealGrant(fleetKey, 'handshake', fields, randomBytes(24))
    const key = grantKey(fleetKey, 'handshake', fields)
    const keys = leg === 0 ? { send: up, receive: down } : { send: down, receive: up }
    const direction = { handshake: [parseAddress(handshake)!], key, grant }
    return { tunnel, peer: fields.other, leg, keys, direction, expected: NOWHERE, terms, mixing: 'agreed' }
  }
  return [side(0), side(1)]
}
