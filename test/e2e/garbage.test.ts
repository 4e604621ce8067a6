/**
 * 100,000 datagrams that no client of ours would send, at every UDP port of a running system: random bytes, and mutations
 * of real requests. Nothing may die, nobody may be sent more than it sent, and those who are online stay so.
 */
import { randomBytes } from 'node:crypto'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import type { Peer } from '../../peer/index.ts'
import { SignInAttempt } from '../../shared/core/peer/sign-in.ts'
import { ANSWER_EXCESS } from '../../shared/core/stun/answer.ts'
import { identityOf } from '../../shared/crypto/identity.ts'
import { Random } from '../../shared/crypto/random.ts'
import { fromBase32 } from '../../shared/ids.ts'
import { parseAddress } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { KIND, RELAY_OP, RELAY_PREFIX, VERSION } from '../../shared/wire/numbers.ts'
import { encodeBindingRequest } from '../../shared/wire/stun-client.ts'
import { heard, systemUnderTest } from './system-under-test.ts'

const DATAGRAMS = 100_000
/** Sent from one socket, all of one length: whatever comes back to it is measured against that. */
const GROUP = 500
/** In flight at a time: less than a socket's buffer holds. */
const BURST = 50
const LENGTHS = [1, 6, 8, 20, 22, 29, 64, 150, 300, 600, 1200, 1472]

const { system, join } = await systemUnderTest()
const random = new Random(new Uint8Array(32).fill(7))

interface Door {
  readonly address: string
  /** Bytes that an answer may be longer than its request. */
  readonly excess: number
}

const doors: Door[] = [
  ...system.nodes.flatMap(({ addresses: { checkpoint = [], handshake = [] } }) => [
    ...checkpoint,
    ...handshake,
  ]),
  ...system.relays.flatMap(({ addresses: { relay = [] } }) => relay),
].map((address) => ({ address, excess: 0 }))
const stunDoors = system.nodes.flatMap(({ addresses: { stun = [] } }) => stun)
doors.push(...stunDoors.map((address) => ({ address, excess: ANSWER_EXCESS.ipv4 })))

test('100,000 datagrams of garbage kill nothing, earn nobody a longer answer, and end no session', async () => {
  const ada = await join()
  const seen = heard(ada, 'presence')
  const ben = await join()
  await seen
  const tunnel = await open(ada, ben)
  const pids = [...system.nodes, ...system.relays].map(({ pid }) => pid)
  const states: unknown[] = []
  for (const peer of [ada, ben]) peer.on('state', (...change) => states.push(change))

  const samples = await realRequests()
  const thrown: Thrown[] = []
  let sent = 0
  for (let group = 0; sent < DATAGRAMS; group++) {
    const door = doors[group % doors.length]!
    const length = LENGTHS[Math.floor(group / doors.length) % LENGTHS.length]!
    thrown.push(await throwAt(door, length, () => garbage(samples, length)))
    sent += GROUP
  }

  expect([...system.nodes, ...system.relays].map(({ pid }) => pid)).toEqual(pids)
  expect(states).toEqual([])
  const arrived = heard(ben, 'message')
  expect(await ada.send(ben.peer, 'still here')).toBe('delivered')
  expect((await arrived)[0].text).toBe('still here')
  for (const { door, length, longest } of thrown) {
    expect(longest(), `answer of ${door.address} to ${length} bytes`).toBeLessThanOrEqual(
      length + door.excess,
    )
  }
  expect(thrown.some(({ longest }) => longest() > 0)).toBe(true)
  const echoed = heard(tunnel, 'message')
  tunnel.send('and the tunnel')
  expect(String((await echoed)[0])).toBe('and the tunnel')
}, 120_000)

interface Thrown {
  readonly door: Door
  readonly length: number
  /** Bytes of the longest answer that came back so far. */
  readonly longest: () => number
}

const sockets: dgram.Socket[] = []
afterAll(() => {
  for (const socket of sockets) socket.close()
})

async function throwAt(door: Door, length: number, next: () => Uint8Array): Promise<Thrown> {
  const [host, port] = door.address.split(':') as [string, string]
  const socket = dgram.createSocket('udp4')
  sockets.push(socket)
  let longest = 0
  socket.on('message', (bytes) => {
    longest = Math.max(longest, bytes.length)
  })
  socket.connect(Number(port), host)
  await once(socket, 'connect')
  for (let i = 0; i < GROUP; i++) {
    socket.send(next())
    if (i % BURST === BURST - 1) await turn()
  }
  return { door, length, longest: () => longest }
}

/** A third is noise, a third noise behind a header we know, a third a real request with some bytes changed. */
function garbage(samples: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = random.bytes(length)
  const kind = random.below(3)
  if (kind === 1) bytes.set(HEADERS[random.below(HEADERS.length)]!.subarray(0, length))
  if (kind === 2) bytes.set(samples[random.below(samples.length)]!.subarray(0, length))
  for (let i = 0; kind === 2 && i < 3; i++) bytes[random.below(length)] = random.below(256)
  return bytes
}

const HEADERS = [
  ...Object.values(KIND).map((kind) => Uint8Array.of(VERSION, kind)),
  ...Object.values(RELAY_OP).map((op) => Uint8Array.of(...RELAY_PREFIX, op)),
  Uint8Array.of(0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42),
  Uint8Array.of(0x60),
  Uint8Array.of(0xff),
]

/** Whole and right but for what only the fleet could have made. */
async function realRequests(): Promise<Uint8Array[]> {
  const bootstrap = (await (await fetch(`${system.index}/v1/bootstrap`)).json()) as {
    nodes: { node: string; publicKey: string; checkpoint: string[] }[]
  }
  const signIns = bootstrap.nodes
    .filter(({ checkpoint }) => checkpoint.length > 0)
    .map(({ publicKey, checkpoint }) => signIn(fromBase32(publicKey)!, checkpoint[0]!))
  const stun = [{}, { changeIp: true }, { changePort: true }, { padding: 500 }, { responsePort: 9 }].map(
    (options) => encodeBindingRequest(random.bytes(12), options),
  )
  const short = [KIND.KEEP_ALIVE, KIND.GONE, KIND.KEEP_ALIVE_ACK].map((kind) =>
    Uint8Array.of(VERSION, kind, ...random.bytes(4)),
  )
  const keep = Uint8Array.of(...RELAY_PREFIX, RELAY_OP.KEEP)
  return [...signIns, ...stun, ...short, keep]
}

function signIn(publicKey: Uint8Array, checkpoint: string): Uint8Array {
  const out = new Batch()
  const attempt = new SignInAttempt({
    identity: identityOf(random.bytes(32)),
    node: { node: 'node_aaaaaaaa' as never, publicKey, addresses: [] },
    address: parseAddress(checkpoint)!,
    index: random.u32(),
    ticket: Buffer.from(
      `${randomBytes(30).toString('base64url')}.e30.${randomBytes(64).toString('base64url')}`,
    ),
    sentAt: Date.now(),
    ephemeralSeed: random.bytes(32),
  })
  attempt.tick(out, Date.now())
  return out.at(0).slice()
}

async function open(ada: Peer, ben: Peer) {
  ben.once('offer', async (offer) => {
    const socket = await offer.accept()
    socket.on('message', (bytes) => socket.send(bytes))
  })
  return ada.connect(ben.peer, { intent: 'echo' })
}
