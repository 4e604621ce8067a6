/**
 * Measures, for each kind of datagram from an unproven source, the CPU time of a node's service and the size of its response.
 * The service machines run in this process, without sockets.
 */
import { randomBytes } from 'node:crypto'
import { CheckpointMachine } from '../../shared/core/checkpoint/checkpoint-machine.ts'
import { HandshakeMachine } from '../../shared/core/handshake/handshake-machine.ts'
import { makeClaim } from '../../shared/core/relay/claim.ts'
import { RelayMachine } from '../../shared/core/relay/relay-machine.ts'
import { ANSWER_EXCESS } from '../../shared/core/stun/answer.ts'
import { StunServer } from '../../shared/core/stun/stun-server.ts'
import { GRANT_BYTES } from '../../shared/crypto/grant.ts'
import { identityOf } from '../../shared/crypto/identity.ts'
import type { NodeId } from '../../shared/ids.ts'
import { type Address, parseAddress } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { encodeJoin } from '../../shared/wire/handshake.ts'
import { KIND, VERSION } from '../../shared/wire/numbers.ts'
import { encodeRelay } from '../../shared/wire/relay.ts'
import { encodeSignIn } from '../../shared/wire/sign-in.ts'
import { encodeBindingRequest, encodeRoomyRequest } from '../../shared/wire/stun-client.ts'
import { BENCH_TICKET_KEYS } from '../ticket.ts'

const at = (text: string): Address => parseAddress(text)!
const [CLIENT, CLIENT6] = [at('192.0.2.77:40000'), at('[2001:db8:c::7]:40000')]
const BATCH = 64
const START = 1_800_000_000_000
export const FLEET_KEY = new Uint8Array(32).fill(7)

export interface DoorResult {
  readonly door: string
  readonly datagram: string
  readonly cpuMicroseconds: number
  /** Amplification: bytes sent to the source address per byte received from it. */
  readonly ratio: number
  /** Upper bound of the ratio. */
  readonly bound: number
}

interface Receiver {
  receive(arrived: Batch, out: Batch, now: number): void
}

interface Kind {
  readonly door: string
  readonly datagram: string
  readonly make: (i: number) => Uint8Array
  readonly machine: () => Receiver
  readonly from?: Address
  readonly bound?: number
}

/** Measures `count` datagrams of each kind. */
export function benchDoors(count: number): readonly DoorResult[] {
  return kinds().map((kind) => measure(kind, count))
}

function measure(
  { door, datagram, make, machine, from = CLIENT, bound = 1 }: Kind,
  count: number,
): DoorResult {
  const receiver = machine()
  const datagrams = Array.from({ length: Math.min(count, 1024) }, (_, i) => make(i))
  const [arrived, out] = [new Batch(BATCH), new Batch(BATCH)]
  const words = from.words.slice()
  let [bytesIn, bytesOut] = [0, 0]
  const cpu = process.cpuUsage()
  for (let done = 0; done < count; done += BATCH) {
    arrived.clear()
    out.clear()
    for (let i = 0; i < BATCH; i++) {
      const bytes = datagrams[(done + i) % datagrams.length]!
      words[4] = 1024 + ((done + i) % 60_000)
      arrived.push(bytes, words)
      bytesIn += bytes.length
    }
    receiver.receive(arrived, out, START + done / 10)
    for (let i = 0; i < out.count; i++) if (out.address[i * 5 + 3] === words[3]) bytesOut += out.length[i]!
  }
  const { user, system } = process.cpuUsage(cpu)
  return { door, datagram, cpuMicroseconds: (user + system) / count, ratio: bytesOut / bytesIn, bound }
}

function kinds(): readonly Kind[] {
  const self = identityOf(new Uint8Array(32).fill(3))
  const seed = randomBytes(32)
  const checkpoint = () =>
    new CheckpointMachine({
      node: 'node_bench' as NodeId,
      identity: { publicKey: self.staticPublic, secretKey: self.staticSecret },
      fleetKeys: [FLEET_KEY],
      ticketKeys: BENCH_TICKET_KEYS,
      seed,
      now: START,
    })
  const open = () =>
    new CheckpointMachine({
      node: 'node_bench' as NodeId,
      identity: { publicKey: self.staticPublic, secretKey: self.staticSecret },
      fleetKeys: [FLEET_KEY],
      ticketKeys: BENCH_TICKET_KEYS,
      seed,
      now: START,
      cookiesAbove: 1e9,
    })
  const handshake = () => new HandshakeMachine({ seed, fleetKeys: [FLEET_KEY], node: 'node_bench' as NodeId })
  const relay = () => new RelayMachine({ seed, fleetKeys: [FLEET_KEY] })
  const [a, b] = ['198.51.100.1', '198.51.100.2'].map((ip) => [at(`${ip}:3478`), at(`${ip}:3479`)] as const)
  const [a6, b6] = ['[2001:db8::1]', '[2001:db8::2]'].map(
    (ip) => [at(`${ip}:3478`), at(`${ip}:3479`)] as const,
  )
  const stun = () =>
    new StunServer({
      own: { ipv4: a!, ipv6: a6! },
      partner: { ipv4: b!, ipv6: b6! },
      fleetKeys: [FLEET_KEY],
      seed,
      longerPerSecond: 1e9,
      excessBytesPerSecond: 1e12,
    })
  const signIn = (i: number) =>
    encodeSignIn({ index: i, cookie: new Uint8Array(16), noise: randomBytes(500) })
  const ofKind = (kind: number, length: number) => () => Uint8Array.of(VERSION, kind, ...randomBytes(length))
  const join = (i: number) =>
    encodeJoin({
      index: i,
      grant: randomBytes(GRANT_BYTES),
      nonce: randomBytes(24),
      sealed: randomBytes(200),
    })
  const bind = (i: number) =>
    encodeRelay(makeClaim('bind', START + i, { grant: randomBytes(GRANT_BYTES), key: new Uint8Array(32) }))
  const bare = { fingerprint: false }
  const ask = (options: Parameters<typeof encodeBindingRequest>[1]) => () =>
    encodeBindingRequest(randomBytes(12), options)
  const excess = (family: keyof typeof ANSWER_EXCESS, length: number) => 1 + ANSWER_EXCESS[family] / length
  const stunKind = { door: 'stun', machine: stun }
  return [
    { door: 'checkpoint', datagram: 'SIGN_IN, junk, below the cookie rate', make: signIn, machine: open },
    { door: 'checkpoint', datagram: 'SIGN_IN without cookie, above it', make: signIn, machine: checkpoint },
    {
      door: 'checkpoint',
      datagram: 'KEEP_ALIVE of no session',
      make: ofKind(KIND.KEEP_ALIVE, 4),
      machine: checkpoint,
    },
    {
      door: 'checkpoint',
      datagram: 'SEALED of no session',
      make: ofKind(KIND.SEALED, 100),
      machine: checkpoint,
    },
    { door: 'checkpoint', datagram: 'NODE, forged', make: ofKind(KIND.NODE, 300), machine: checkpoint },
    { door: 'handshake', datagram: 'JOIN, forged', make: join, machine: handshake },
    {
      door: 'handshake',
      datagram: 'SEALED of no session',
      make: ofKind(KIND.SEALED, 100),
      machine: handshake,
    },
    { door: 'relay', datagram: 'BIND, forged', make: bind, machine: relay },
    { door: 'relay', datagram: 'KEEP of no leg', make: () => encodeRelay({ op: 'keep' }), machine: relay },
    {
      door: 'relay',
      datagram: 'CONFIRM of no leg',
      make: () => encodeRelay({ op: 'confirm', token: randomBytes(8) }),
      machine: relay,
    },
    { door: 'relay', datagram: 'data of no leg', make: () => randomBytes(1000), machine: relay },
    { ...stunKind, datagram: 'Binding of our peers', make: () => encodeRoomyRequest(randomBytes(12)) },
    {
      ...stunKind,
      datagram: 'Binding of our peers, IPv6',
      make: () => encodeRoomyRequest(randomBytes(12)),
      from: CLIENT6,
    },
    { ...stunKind, datagram: 'bare Binding', make: ask(bare), bound: excess('ipv4', 20) },
    {
      ...stunKind,
      datagram: 'bare Binding, IPv6',
      make: ask(bare),
      from: CLIENT6,
      bound: excess('ipv6', 20),
    },
    {
      ...stunKind,
      datagram: 'CHANGE-REQUEST of the port',
      make: ask({ ...bare, changePort: true }),
      bound: excess('ipv4', 28),
    },
    { ...stunKind, datagram: 'STUN_FORWARD, forged', make: ofKind(KIND.STUN_FORWARD, 130) },
  ]
}
