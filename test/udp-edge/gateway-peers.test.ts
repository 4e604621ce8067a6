import { expect, test } from 'vitest'
import type { NodeDatagram, PushedDatagram } from '../../shared/carried.ts'
import type { PeerId } from '../../shared/ids.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { CarriedPeers } from '../../udp-edge/carried-socket.ts'
import { GatewayPeers } from '../../udp-edge/gateway-peers.ts'
import type { DatagramSocket } from '../../udp-edge/socket.ts'

const ADA = 'ada' as PeerId
const NO_UDP: DatagramSocket = {
  addresses: [],
  counters: { received: 0, sent: 0, dropped: 0, errors: 0, overrun: 0 },
  send: () => false,
  close: async () => {},
}

/** Makes the services of a node, the datagrams that they received, and a stopped clock. */
async function node() {
  const services = { checkpoint: new CarriedPeers(), handshake: new CarriedPeers() }
  const arrived = { checkpoint: new Batch(), handshake: new Batch() }
  const bound = async (service: 'checkpoint' | 'handshake') => {
    const inbox = { batch: arrived[service], socket: 0, arrived: () => {} }
    return services[service].beside(async () => NO_UDP)({ host: '', port: 0 }, inbox)
  }
  const sockets = { checkpoint: await bound('checkpoint'), handshake: await bound('handshake') }
  const said: NodeDatagram[] = []
  const clock = { now: 0 }
  const send = (datagram: NodeDatagram) => said.push(datagram) > 0
  const peers = new GatewayPeers({ services, send, now: () => clock.now })
  /** Answers the datagram with its own bytes. */
  const echo = (service: 'checkpoint' | 'handshake', i: number) => {
    const out = new Batch()
    out.push(arrived[service].at(i), arrived[service].addressOf(i).words)
    sockets[service].send(out, 0, 1)
  }
  return { peers, arrived, said, echo, clock }
}

const from = (connection: string, more: Partial<PushedDatagram> = {}): PushedDatagram => ({
  kind: 'datagram',
  from: connection,
  peer: ADA,
  service: 'checkpoint',
  port: 1,
  bytes: 'AQID',
  ...more,
})

test('each socket of a peer has an address of its own, at the service that it talks to', async () => {
  const { peers, arrived, said, echo } = await node()
  for (const port of [1, 2, 1]) peers.take(from('c', { port }))
  peers.take(from('c', { service: 'handshake' }))
  const addresses = [0, 1, 2].map((i) => [...arrived.checkpoint.addressOf(i).words].join())
  expect(addresses[0]).toBe(addresses[2])
  expect(addresses[0]).not.toBe(addresses[1])
  expect([...arrived.checkpoint.at(0)]).toEqual([1, 2, 3])
  echo('checkpoint', 1)
  echo('handshake', 0)
  expect(said).toEqual([
    { kind: 'datagram', to: 'c', service: 'checkpoint', port: 2, bytes: 'AQID' },
    { kind: 'datagram', to: 'c', service: 'handshake', port: 1, bytes: 'AQID' },
  ])
})

test('nothing is sent to a connection that has gone, was replaced, or has been silent', async () => {
  const { peers, arrived, said, echo, clock } = await node()
  peers.take(from('gone'))
  peers.take({ kind: 'gone', connection: 'gone' })
  peers.take(from('old'))
  peers.take(from('new'))
  clock.now = 180_000
  peers.take(from('of another', { peer: 'ben' as PeerId }))
  expect([arrived.checkpoint.count, peers.size]).toEqual([4, 1])
  for (const i of [0, 1, 2, 3]) echo('checkpoint', i)
  expect(said.map(({ to }) => to)).toEqual(['of another'])
})

test('a peer that sends too much is not heard for a while, and others are', async () => {
  const { peers, arrived, clock } = await node()
  for (let i = 0; i < 1000; i++) peers.take(from('c'))
  const heard = arrived.checkpoint.count
  expect(heard).toBeLessThan(500)
  for (let i = 0; i < 100; i++) peers.take(from(`c${i}`))
  expect(arrived.checkpoint.count).toBe(heard)
  peers.take(from('d', { peer: 'ben' as PeerId }))
  clock.now = 1000
  peers.take(from('c'))
  expect(arrived.checkpoint.count).toBe(heard + 2)
  expect(peers.counters.refused).toBe(1100 - heard)
})

test('a peer has so many sockets and no more: the oldest goes', async () => {
  const { peers, said, echo } = await node()
  for (let port = 0; port < 65; port++) peers.take(from('c', { port }))
  for (const i of [0, 1]) echo('checkpoint', i)
  expect(said.map(({ port }) => port)).toEqual([1])
})
