import dgram from 'node:dgram'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import type { TunnelEffect, TunnelInput } from '../../shared/core/tunnel/events.ts'
import { TunnelMachine } from '../../shared/core/tunnel/tunnel-machine.ts'
import { type Grant, grantKey, sealGrant } from '../../shared/crypto/grant.ts'
import { Random } from '../../shared/crypto/random.ts'
import type { FleetItem } from '../../shared/directory.ts'
import { type NodeId, peerIdOf, type TunnelId, toBase32 } from '../../shared/ids.ts'
import type { Paths } from '../../shared/paths.ts'
import { addressOf, parseAddress } from '../../shared/wire/address.ts'
import type { StepKind } from '../../shared/wire/handshake.ts'
import { drive } from '../../udp-edge/drive.ts'
import { type Handshake, startHandshake, type TraversalHistory } from '../../udp-edge/handshake.ts'
import { startRelay } from '../../udp-edge/relay.ts'

const HOST = '127.0.0.1'
const NODE = 'node_test' as NodeId
const FLEET_KEY = new Uint8Array(32).fill(1)
const random = new Random(new Uint8Array(32).fill(2))
const tunnel = toBase32(random.bytes(16)) as TunnelId
const peers = [peerIdOf(random.bytes(32)), peerIdOf(random.bytes(32))]
const keys = [random.bytes(32), random.bytes(32)] as const
const opened: { close(): unknown }[] = []

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

async function nodes(history?: TraversalHistory): Promise<Handshake> {
  const relay = await startRelay({ host: HOST, port: 0, fleetKeys: [FLEET_KEY] })
  const setting = { host: HOST, port: 0, node: NODE, fleetKeys: [FLEET_KEY] }
  const handshake = await startHandshake({ ...setting, ...(history && { history }) })
  opened.push(relay, handshake)
  const lease: FleetItem = {
    node: NODE,
    roles: ['relay'],
    publicKey: '',
    addresses: { relay: [relay.address] },
    load: 0,
    draining: false,
    startedAt: 0,
    expiresAtSeconds: 0,
  }
  handshake.setFleet([lease])
  return handshake
}

async function freePort(): Promise<number> {
  const socket = dgram.createSocket('udp4').bind(0, HOST)
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}

/** One end of the tunnel on a real socket, and what it reported, in order. */
async function end(handshake: Handshake, leg: 0 | 1, paths: Paths = 'auto') {
  const localPort = await freePort()
  const grant: Grant = {
    tunnel,
    leg,
    self: peers[leg]!,
    other: peers[1 - leg]!,
    expiresAt: Date.now() + 60_000,
  }
  const machine = new TunnelMachine({
    seed: random.bytes(32),
    keys: { send: keys[leg], receive: keys[leg === 0 ? 1 : 0] },
    direction: {
      handshake: [parseAddress(handshake.address)!],
      key: grantKey(FLEET_KEY, 'handshake', grant),
      grant: sealGrant(FLEET_KEY, 'handshake', grant, random.bytes(24)),
    },
    terms: { clear: false, paths },
    stun: [],
    candidates: [{ kind: 'host', address: addressOf(HOST, localPort)! }],
    localPort,
    now: Date.now(),
  })
  const effects: TunnelEffect[] = []
  const driver = await drive<TunnelInput, TunnelEffect>(machine, {
    sockets: [{ host: HOST, port: localPort }],
    perform: (effect) => void effects.push(effect),
  })
  opened.push(driver)
  const taken = () => effects.flatMap((effect) => (effect.kind === 'path' ? [effect.path] : []))
  const texts = () =>
    effects.flatMap((effect) => (effect.kind === 'datagram' ? [Buffer.from(effect.bytes).toString()] : []))
  return { send: (text: string) => driver.handle({ kind: 'send', bytes: Buffer.from(text) }), taken, texts }
}

test('two peers on real sockets talk at once, and directly soon after', async () => {
  const remembered: [string, StepKind][] = []
  const handshake = await nodes({
    recall: async () => undefined,
    remember: (pair, technique) => remembered.push([pair, technique]),
  })
  const [a, b] = await Promise.all([end(handshake, 0), end(handshake, 1)])
  a.send('at once')
  await expect.poll(() => b.texts()).toEqual(['at once'])
  await expect
    .poll(() => [a.taken().at(-1), b.taken().at(-1)], { timeout: 5000 })
    .toEqual(['direct', 'direct'])
  a.send('there')
  b.send('and back')
  await expect.poll(() => [a.texts(), b.texts()]).toEqual([['and back'], ['at once', 'there']])
  await expect.poll(() => remembered).toEqual([['127.0.0.1|127.0.0.1', 'lan']])
  expect(handshake.counters()).toMatchObject({ joins: 2, direct: { lan: 1 }, socket: { faults: 0 } })
  expect(handshake.load).toBeGreaterThan(0)
})

test('two peers on real sockets talk over the relay where one wants nothing else', async () => {
  const handshake = await nodes()
  const [a, b] = await Promise.all([end(handshake, 0, 'relay-only'), end(handshake, 1)])
  a.send('there')
  b.send('and back')
  await expect.poll(() => [a.texts(), b.texts()]).toEqual([['and back'], ['there']])
  await expect.poll(() => handshake.counters().relayed).toEqual({ policy: 1 })
  expect([...new Set([...a.taken(), ...b.taken()])]).toEqual(['relayed'])
})

test('it drains: at once where nobody is, else when the last pair is done', async () => {
  const handshake = await nodes()
  await handshake.drain(60_000)
  expect(handshake.load).toBe(1)
})

test('a port that is taken is refused as unavailable', async () => {
  const handshake = await nodes()
  const port = Number(handshake.address.split(':')[1])
  const again = startHandshake({ host: HOST, port, node: NODE, fleetKeys: [FLEET_KEY] })
  await expect(again).rejects.toMatchObject({ code: 'unavailable' })
})
