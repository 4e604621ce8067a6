/**
 * Addresses at which the nodes of one machine listen. The STUN pair needs two addresses. Linux answers on all of 127/8,
 * other systems only on 127.0.0.1. There the second node uses other ports, and a note says so.
 */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { StraightwayError } from '../shared/errors.ts'
import { COMMON_PORTS } from '../shared/wire/common-port.ts'
import type { NodeConfig } from '../udp-edge/config.ts'

export interface Host {
  readonly address: string
  readonly publicIpv6?: string
  readonly ports: NodeConfig['ports']
}

export interface Hosts {
  readonly nodes: readonly [Host, Host]
  readonly relay: Host
  readonly notes: readonly string[]
}

const PORTS = { checkpoint: 3480, handshake: 3481, stun: [3478, 3479], relay: 3482, relayTls: 3483 } as const
/** Difference between the ports of two nodes that share an address. */
const PORT_OFFSET = 20
const ONE_ADDRESS =
  'This system has only one loopback address, so both nodes share it and differ by port: NAT filtering by address cannot be told.'

/**
 * Chooses the hosts. A third address is the relay's. `sixes`: IPv6 addresses that they have too. `free`: the system chooses
 * the ports, for tests that run in parallel.
 */
export async function chooseHosts(
  addresses: readonly string[] | undefined,
  free: boolean,
  sixes: readonly string[] = [],
): Promise<Hosts> {
  const [first, second] = addresses ?? ['127.0.0.1', (await canBind('127.0.0.2')) ? '127.0.0.2' : '127.0.0.1']
  if (first === undefined || second === undefined)
    throw new StraightwayError('bad-request', 'Two addresses are needed.')
  const shared = first === second
  const [one, other] = [await host(first, free, 0), await host(second, free, shared ? PORT_OFFSET : 0)]
  const third = addresses?.[2] === undefined ? one : await host(addresses[2], free, 0)
  const notes = shared ? [ONE_ADDRESS] : []
  if (free || addresses === undefined) return { nodes: [one, other], relay: one, notes }
  const [first6, second6, third6] = sixes
  return {
    nodes: [beside(withCommon(one), first6), beside(shared ? other : withCommon(other), second6)],
    relay: third === one ? beside(one, first6) : beside(withCommon(third), third6),
    notes,
  }
}

const beside = (host: Host, publicIpv6: string | undefined): Host =>
  publicIpv6 === undefined ? host : { ...host, publicIpv6 }

/** Networks that let out few ports are no case on loopback. Two processes cannot share a port of one address. */
const withCommon = ({ address, ports }: Host): Host => ({
  address,
  ports: { ...ports, common: [...COMMON_PORTS] },
})

async function host(address: string, free: boolean, offset: number): Promise<Host> {
  if (free) {
    const stun = await freePorts(address)
    return { address, ports: { checkpoint: 0, handshake: 0, relay: 0, relayTls: 0, stun } }
  }
  const { checkpoint, handshake, stun } = PORTS
  const moved = { checkpoint: checkpoint + offset, handshake: handshake + offset }
  return { address, ports: { ...PORTS, ...moved, stun: [stun[0] + offset, stun[1] + offset] } }
}

/** Finds two free ports in advance, because each node of a pair needs the other's STUN ports before it starts. */
async function freePorts(address: string): Promise<[number, number]> {
  const sockets = await Promise.all([bind(address), bind(address)])
  const [first, second] = sockets.map((socket) => socket.address().port)
  for (const socket of sockets) socket.close()
  return [first!, second!]
}

async function canBind(address: string): Promise<boolean> {
  return bind(address).then(
    (socket) => {
      socket.close()
      return true
    },
    () => false,
  )
}

async function bind(address: string): Promise<Socket> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  socket.bind(0, address)
  await once(socket, 'listening')
  return socket
}
