/**
 * Garbage from strangers at every port of a running system: damaged and random datagrams at each UDP port, broken requests at
 * the gateway. No process dies, no sender gets more bytes than it sent, and connected peers notice nothing.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { text } from 'node:stream/consumers'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import WebSocket from 'ws'
import type { Peer, PeerSocket } from '../../peer/index.ts'
import { DualSocket } from '../../peer/net/dual-socket.ts'
import { formatAddress } from '../../shared/wire/address.ts'
import { KIND, VERSION } from '../../shared/wire/numbers.ts'
import { encodeRelay } from '../../shared/wire/relay.ts'
import { Garbage } from './garbage.ts'
import { type Door, doorsOf, kindOf, Stranger } from './stranger.ts'
import { heard, systemUnderTest } from './system-under-test.ts'

const DATAGRAMS = 100_000
const BURST = 2_000
/**
 * Cookie threshold in sign-ins a second. It is so low that the burst exceeds it in some second, even if the burst takes as
 * long as the test allows.
 */
const COOKIES_ABOVE = 10
const REQUESTS = 200

const data = mkdtempSync(joinPath(tmpdir(), 'straightway-garbage-'))
afterAll(() => rmSync(data, { recursive: true, force: true }))
const { system, join, joinAt } = await systemUnderTest({ data, cookiesAbove: COOKIES_ABOVE })

const fleetKey = Buffer.from(
  JSON.parse(readFileSync(joinPath(data, 'secrets.json'), 'utf8')).fleetKey,
  'base64',
)
const processes = () => [...system.nodes, ...system.relays].map(({ node, pid }) => `${node} ${pid}`)
const before = processes()
const nodes = system.nodes.map(({ node }) => node)
/** Datagrams that peers really sent, by destination. */
const recorded = new Map<string, Uint8Array[]>()
let ada: Peer
let ben: Peer
let sockets: PeerSocket[]

beforeAll(async () => {
  const { send } = DualSocket.prototype
  vi.spyOn(DualSocket.prototype, 'send').mockImplementation(function (this: DualSocket, batch, i) {
    const to = formatAddress(batch.address, i * 5)
    recorded.set(to, [...(recorded.get(to) ?? []), batch.at(i).slice()])
    send.call(this, batch, i)
  })
  ada = await joinAt(0)
  ben = await joinAt(1)
  ben.on('message', () => {})
  ben.on('offer', async (offer) => {
    const socket = await offer.accept()
    socket.on('message', (bytes) => socket.send(bytes))
  })
  sockets = await Promise.all([ada.connect(ben.peer), ada.connect(ben.peer, { paths: 'relay-only' })])
  await ada.send(ben.peer, 'hello')
  vi.restoreAllMocks()
})

/** Expects the same processes as before, and that everything works for connected and for new peers. */
async function expectAllWell(): Promise<void> {
  expect(processes()).toEqual(before)
  expect([ada.state, ben.state]).toEqual(['online', 'online'])
  expect(await ada.send(ben.peer, 'still there?')).toBe('delivered')
  const news = randomBytes(8).toString('hex')
  const told = heard(ada, 'presence', ({ peer, custom }) => peer === ben.peer && custom === news)
  ben.status('busy', { custom: news })
  await told
  const fresh = await join()
  for (const socket of [...sockets, await fresh.connect(ben.peer)]) {
    const back = heard(socket, 'message')
    socket.send('there and back')
    await back
  }
}

/** Returns the datagrams recorded at a port, and those that a longer run would have sent there, by kind. */
function samplesOf({ service, address }: Door): Uint8Array[][] {
  const real = recorded.get(address) ?? [...recorded.values()].flat()
  const sealed = real.filter((bytes) => bytes[0] === VERSION && bytes[1] === KIND.SEALED)
  const keepAlives = sealed.map((bytes) => Uint8Array.of(VERSION, KIND.KEEP_ALIVE, ...bytes.subarray(2, 6)))
  const keeps = service === 'relay' ? [encodeRelay({ op: 'keep' })] : []
  return [...Map.groupBy([...real, ...keepAlives], kindOf).values(), keeps].filter(({ length }) => length > 0)
}

test(`${DATAGRAMS} datagrams of a stranger change nothing, and none is answered with more than it was`, async () => {
  const doors = doorsOf(system)
  const samples = new Map(doors.map((door) => [door, samplesOf(door)]))
  const garbage = new Garbage(fleetKey, nodes)
  const stranger = await Stranger.open()
  await stranger.throw(doors, DATAGRAMS, (door) => garbage.make(samples.get(door)!))
  const signIns = samples.get(doors[0]!)!.filter(([first]) => kindOf(first!) === 'SIGN_IN')
  await stranger.throw(doors.slice(0, 1), BURST, () => garbage.make(signIns))
  stranger.close()
  expect(stranger.rewarded).toEqual([])
  expect([...stranger.answers.keys()]).toEqual(expect.arrayContaining(['COOKIE', 'GONE', 'RELAY', 'stun']))
  await expectAllWell()
})

test('broken requests are told that they are, and none is a failure of ours', async () => {
  const { host, hostname, port } = new URL(system.index)
  const whole = [
    `GET /v1/health HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`,
    `POST /v1/enrolments HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 14\r\nconnection: close\r\n\r\n{"proof":"abc"}`,
    `GET /ws HTTP/1.1\r\nhost: ${host}\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
  ].map((text) => [Buffer.from(text)])
  const garbage = new Garbage(fleetKey, nodes)
  const statuses = new Set<number>()
  for (let i = 0; i < REQUESTS; i++) {
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {}).end(garbage.make(whole))
    const answer = await text(socket).catch(() => '')
    const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]
    if (status !== undefined) statuses.add(Number(status))
  }
  expect([...statuses].filter((status) => status >= 500)).toEqual([])
  expect([...statuses]).toEqual(expect.arrayContaining([200, 400, 401]))
  await expectAllWell()
})

test('nonsense of every kind in requests that are whole is refused', async () => {
  const paths = ['users', 'networks', 'peers/x', 'objects/a/b', 'tickets', 'enrolments', 'search', 'api-keys']
  const headers = { authorization: `Bearer ${system.adminKey}`, 'content-type': 'application/json' }
  const bodies = [
    '',
    '{',
    'null',
    '[]',
    '{"name":7}',
    '{"__proto__":{"a":1}}',
    `{"name":"${'x'.repeat(5000)}"}`,
    '\0',
  ]
  for (const path of paths) {
    for (const body of bodies) {
      for (const method of ['POST', 'PUT', 'PATCH']) {
        const { status } = await fetch(`${system.index}/v1/${path}?limit=%00&filter=((`, {
          method,
          headers,
          body,
        })
        expect([method, path, body.slice(0, 20), status >= 400 && status < 500]).toContain(true)
      }
    }
  }
})

test('a connection at the WebSocket door may say anything', async () => {
  const authorization = `Bearer ${await nodeToken()}`
  const garbage = new Garbage(fleetKey, nodes)
  for (let i = 0; i < 20; i++) {
    const socket = new WebSocket(system.websocket, { headers: { authorization } })
    await once(socket, 'open')
    for (let message = 0; message < 10; message++)
      socket.send(garbage.make([[Buffer.from('{"kind":"ping"}')]]))
    if (i % 2 === 0) socket.send(Buffer.alloc(40_000))
    else socket.close()
    await once(socket, 'close')
  }
  const stranger = new WebSocket(system.websocket, { headers: { authorization: 'Bearer nobody' } })
  const [{ message }] = await once(stranger, 'error')
  expect(message).toContain('401')
  await expectAllWell()
})

/** Returns a token like those of nodes, for a node id that does not exist. */
function nodeToken(): Promise<string> {
  const token = new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).setSubject('node_zzzzzzzz')
  return token.setAudience('straightway-gateway').setExpirationTime('2 minutes').sign(fleetKey)
}
