import dgram from 'node:dgram'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { formatAddress } from '../../shared/wire/address.ts'
import {
  type BindingOptions,
  decodeBindingAnswer,
  encodeBindingRequest,
} from '../../shared/wire/stun-client.ts'
import { type StartStunOptions, type Stun, startStun } from '../../udp-edge/stun.ts'

const FLEET_KEY = new Uint8Array(32).fill(3)
const opened: { close(): unknown }[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()))
})

async function node(address: string, options: Partial<StartStunOptions> = {}): Promise<Stun> {
  const stun = await startStun({ address, ports: [0, 0], fleetKeys: [FLEET_KEY], ...options })
  opened.push(stun)
  return stun
}

/** Starts two nodes on two addresses. They learn of each other like a fleet, after both have started. */
async function pairOfNodes(): Promise<[Stun, Stun]> {
  const nodes = [await node('127.0.0.1'), await node('127.0.0.2')] as [Stun, Stun]
  for (const [a, b] of [nodes, [...nodes].reverse()] as [Stun, Stun][]) {
    a.setPartner({ address: b.addresses[0], alternatePort: portOf(b.addresses[1]) })
  }
  return nodes
}

const portOf = (address: string) => Number(address.slice(address.lastIndexOf(':') + 1))

async function ask(server: string, options: BindingOptions = {}, host = '127.0.0.1') {
  const socket = dgram.createSocket(host === '::1' ? 'udp6' : 'udp4')
  opened.push(socket)
  socket.bind(0, host)
  await once(socket, 'listening')
  const [to] = server.startsWith('[') ? ['::1'] : server.split(':')
  socket.send(encodeBindingRequest(new Uint8Array(12), options), portOf(server), to)
  const [bytes, { address, port }] = (await once(socket, 'message')) as [Buffer, dgram.RemoteInfo]
  const answer = decodeBindingAnswer(bytes)!
  const mapped = answer.mapped && formatAddress(answer.mapped.words)
  const origin = answer.origin && formatAddress(answer.origin.words)
  return { from: `${address}:${port}`, mapped, origin, error: answer.error, self: socket.address() }
}

test('answers come from the socket and the node that the request asks for, and say so', async () => {
  const [a, b] = await pairOfNodes()
  for (const [options, from] of [
    [{}, a.addresses[0]],
    [{ changePort: true }, a.addresses[1]],
    [{ changeIp: true }, b.addresses[0]],
    [{ changeIp: true, changePort: true }, b.addresses[1]],
  ] as const) {
    const answer = await ask(a.addresses[0], options)
    expect(answer).toMatchObject({ from, origin: from, mapped: `127.0.0.1:${answer.self.port}` })
  }
  expect([a.counters().forwarded, b.counters().sentForPartner]).toEqual([2, 2])
})

test('when the partner goes, its address is no longer promised', async () => {
  const [a] = await pairOfNodes()
  a.setPartner(undefined)
  expect((await ask(a.addresses[0], { changeIp: true })).error).toBe(420)
})

test('it serves IPv6 as it serves IPv4', async () => {
  const stun = await node('::1')
  const answer = await ask(stun.addresses[0], { changePort: true }, '::1')
  expect(answer.mapped).toBe(`[::1]:${answer.self.port}`)
  expect(answer.origin).toBe(stun.addresses[1])
})

test('behind a 1:1 NAT it says the address clients see', async () => {
  const stun = await node('0.0.0.0', { publicAddress: '198.51.100.9' })
  const answer = await ask(`127.0.0.1:${portOf(stun.addresses[0])}`, { changePort: true })
  expect(answer.origin).toBe(stun.addresses[1])
  expect(stun.addresses[1]).toMatch(/^198\.51\.100\.9:/)
})

test('a wildcard without the address clients see is refused, and so is a partner that has none', async () => {
  const badRequest = { code: 'bad-request' }
  await expect(node('0.0.0.0')).rejects.toMatchObject(badRequest)
  const partner = { address: 'stun.example.org:3478', alternatePort: 3479 }
  await expect(node('127.0.0.1', { partner })).rejects.toMatchObject(badRequest)
})
