/** Sets up the legs of each compared relay, and describes where and in which format its datagrams are sent. */
import { RelayLeg } from '../../shared/core/relay/leg.ts'
import { type Grant, grantKey, sealGrant } from '../../shared/crypto/grant.ts'
import { peerIdOf, type TunnelId, toBase32 } from '../../shared/ids.ts'
import { type Address, PORT_WORD } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import type { LoadSocket } from './socket.ts'

export const FLEET_KEY = new Uint8Array(32).fill(1)
const LIFE_MS = 600_000

export interface Way {
  /** Address that the sender sends to. */
  readonly to: Uint32Array
  /** Header before each datagram: empty, or TURN's ChannelData header. */
  readonly header: (payload: number) => Uint8Array
}

const NO_HEADER = new Uint8Array(0)

/** Sets up our relay: each end presents a grant and proves its address. */
export async function bindLegs(relay: Address, ends: readonly LoadSocket[]): Promise<Way> {
  const tunnel = toBase32(new Uint8Array(16).fill(4)) as TunnelId
  const [a, b] = [peerIdOf(new Uint8Array(32).fill(2)), peerIdOf(new Uint8Array(32).fill(3))]
  const expiresAt = Date.now() + LIFE_MS
  const grants: readonly Grant[] = [
    { tunnel, leg: 0, self: a, other: b, expiresAt },
    { tunnel, leg: 1, self: b, other: a, expiresAt },
  ]
  await Promise.all(ends.map((end, i) => bindLeg(relay, end, grants[i]!)))
  return { to: relay.words, header: () => NO_HEADER }
}

function bindLeg(relay: Address, end: LoadSocket, grant: Grant): Promise<void> {
  const key = grantKey(FLEET_KEY, 'relay', grant)
  const leg = new RelayLeg({
    relay,
    grant: sealGrant(FLEET_KEY, 'relay', grant, new Uint8Array(24).fill(grant.leg)),
    key,
    socket: 0,
  })
  const out = new Batch()
  const flush = () => {
    end.send(out)
    out.clear()
  }
  return new Promise((bound) => {
    const timer = setInterval(() => {
      leg.tick(out, Date.now())
      flush()
    }, 50)
    end.take = (batch) => {
      for (let i = 0; i < batch.count; i++) leg.take(batch, i, out, Date.now())
      flush()
      if (!leg.otherBound) return
      clearInterval(timer)
      bound()
    }
    leg.start(out, Date.now())
    flush()
  })
}

/** Sets up the C loop: the first two sources become its legs. */
export async function announce(relay: Address, ends: readonly LoadSocket[]): Promise<Way> {
  for (const end of ends) end.sendOne(Uint8Array.of(1), relay.words)
  return { to: relay.words, header: () => NO_HEADER }
}

const MAGIC = 0x2112a442
const CHANNEL = 0x4001
const [ALLOCATE, CHANNEL_BIND, SUCCESS] = [0x0003, 0x0009, 0x0100]
const [CHANNEL_NUMBER, XOR_PEER_ADDRESS, REQUESTED_TRANSPORT] = [0x000c, 0x0012, 0x0019]
const UDP = 17

/** Sets up coturn: the sender allocates, and binds a channel to the other end (RFC 8656, sections 7 and 12). */
export async function bindChannel(turn: Address, [sender, receiver]: readonly LoadSocket[]): Promise<Way> {
  await ask(sender!, turn, ALLOCATE, attribute(REQUESTED_TRANSPORT, Uint8Array.of(UDP, 0, 0, 0)))
  const number = attribute(CHANNEL_NUMBER, Uint8Array.of(CHANNEL >> 8, CHANNEL & 255, 0, 0))
  const peer = attribute(XOR_PEER_ADDRESS, xored(receiver!.words))
  await ask(sender!, turn, CHANNEL_BIND, Buffer.concat([number, peer]))
  const header = (payload: number) => Uint8Array.of(CHANNEL >> 8, CHANNEL & 255, payload >> 8, payload & 255)
  return { to: turn.words, header }
}

function ask(end: LoadSocket, turn: Address, method: number, attributes: Uint8Array): Promise<true> {
  const head = Buffer.alloc(20, method)
  head.writeUInt16BE(method, 0)
  head.writeUInt16BE(attributes.length, 2)
  head.writeUInt32BE(MAGIC, 4)
  const isSuccess = (answer: Uint8Array) => Buffer.from(answer).readUInt16BE(0) === (method | SUCCESS)
  return end.ask(Buffer.concat([head, attributes]), turn.words, (answer) => isSuccess(answer) || undefined)
}

function attribute(type: number, value: Uint8Array): Uint8Array {
  const head = Buffer.alloc(4)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(value.length, 2)
  return Buffer.concat([head, value])
}

function xored(words: Uint32Array): Uint8Array {
  const value = Buffer.alloc(8)
  value[1] = 1
  value.writeUInt16BE(words[PORT_WORD]! ^ (MAGIC >>> 16), 2)
  value.writeUInt32BE((words[3]! ^ MAGIC) >>> 0, 4)
  return value
}
