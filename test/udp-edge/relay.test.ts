import dgram from 'node:dgram'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { RelayLeg } from '../../shared/core/relay/leg.ts'
import { type Grant, grantKey, sealGrant } from '../../shared/crypto/grant.ts'
import { Random } from '../../shared/crypto/random.ts'
import { peerIdOf, type TunnelId, toBase32 } from '../../shared/ids.ts'
import { parseAddress } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { encodeRelay } from '../../shared/wire/relay.ts'
import { type Relay, startRelay } from '../../udp-edge/relay.ts'

const FLEET_KEY = new Uint8Array(32).fill(1)
const random = new Random(new Uint8Array(32).fill(2))
const open: { close(): unknown }[] = []

afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

describe('a relay on real sockets', () => {
  test('carries packets of every size both ways between two peers', async () => {
    const relay = await start()
    const [a, b] = await boundPair(relay)
    for (let size = 0; size <= 1200; size += 100) {
      const bytes = Buffer.from(random.bytes(size))
      expect(await b.afterSending(a, bytes)).toEqual(bytes)
      expect(await a.afterSending(b, bytes)).toEqual(bytes)
    }
    expect(relay.counters()).toMatchObject({ packets: 26, strange: 0, socket: { faults: 0 } })
    expect(relay.legs).toBe(2)
  })

  test('answers a stranger who says KEEP, and nobody who says anything else', async () => {
    const relay = await start()
    const stranger = await socketTo(relay)
    stranger.send(Buffer.from('let me in'))
    stranger.send(Buffer.from(encodeRelay({ op: 'keep' })))
    const [answer] = await once(stranger, 'message')
    expect(new Uint8Array(answer)).toEqual(encodeRelay({ op: 'unbound' }))
    expect(relay.counters().strange).toBe(1)
  })

  test('drains when its legs have been released, and says what each carried', async () => {
    const ended: unknown[] = []
    const relay = await start({ onEnded: (leg) => ended.push(leg) })
    const [a, b] = await boundPair(relay)
    await b.afterSending(a, Buffer.from('twelve bytes'))
    const drained = relay.drain(60_000)
    expect(relay.load).toBe(1)
    for (const peer of [a, b]) peer.release()
    await drained
    expect(ended).toMatchObject([
      { leg: 0, packets: 1, bytes: 12, reason: 'released' },
      { leg: 1, packets: 0 },
    ])
  })

  test('has drained when its time is over, though a leg is left', async () => {
    const relay = await start()
    await boundPair(relay)
    await relay.drain(50)
    expect(relay.legs).toBe(0)
  })
})

async function start(options: Partial<Parameters<typeof startRelay>[0]> = {}): Promise<Relay> {
  const relay = await startRelay({ host: '127.0.0.1', port: 0, fleetKeys: [FLEET_KEY], ...options })
  open.push(relay)
  return relay
}

async function boundPair(relay: Relay): Promise<[Peer, Peer]> {
  const tunnel = toBase32(random.bytes(16)) as TunnelId
  const [self, other] = [peerIdOf(random.bytes(32)), peerIdOf(random.bytes(32))]
  const expiresAt = Date.now() + 60_000
  const a = new Peer(relay, await socketTo(relay), { tunnel, leg: 0, self, other, expiresAt })
  const b = new Peer(relay, await socketTo(relay), { tunnel, leg: 1, self: other, other: self, expiresAt })
  await a.bound
  await b.bound
  return [a, b]
}

async function socketTo(relay: Relay): Promise<dgram.Socket> {
  const socket = dgram.createSocket('udp4')
  open.push(socket)
  const { words } = parseAddress(relay.address)!
  socket.connect(words[4]!, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

/** A leg on a socket of its own; `bound` when the relay has proven its address. */
class Peer {
  readonly bound: Promise<void>
  readonly #socket: dgram.Socket
  readonly #leg: RelayLeg
  #onData: (bytes: Buffer) => void = () => {}

  constructor(relay: Relay, socket: dgram.Socket, grant: Grant) {
    this.#socket = socket
    this.#leg = new RelayLeg({
      relay: parseAddress(relay.address)!,
      grant: sealGrant(FLEET_KEY, 'relay', grant, random.bytes(24)),
      key: grantKey(FLEET_KEY, 'relay', grant),
      socket: 0,
    })
    const { promise, resolve } = Promise.withResolvers<void>()
    this.bound = promise
    socket.on('message', (bytes) => {
      this.#take(bytes)
      if (relay.counters().proven > grant.leg) resolve()
    })
    this.#run((out) => this.#leg.start(out, Date.now()))
  }

  /** What comes here once the other has sent something. */
  afterSending(other: Peer, bytes: Buffer): Promise<Buffer> {
    const { promise, resolve } = Promise.withResolvers<Buffer>()
    this.#onData = resolve
    other.#socket.send(bytes)
    return promise
  }

  release(): void {
    this.#run((out) => this.#leg.release(out, Date.now()))
  }

  #take(bytes: Buffer): void {
    const arrived = new Batch(1)
    arrived.push(bytes, this.#leg.relay.words)
    this.#run((out) => {
      if (this.#leg.take(arrived, 0, out, Date.now()) === 'data') this.#onData(bytes)
    })
  }

  #run(call: (out: Batch) => void): void {
    const out = new Batch(1)
    call(out)
    for (let i = 0; i < out.count; i++) this.#socket.send(out.at(i))
  }
}
