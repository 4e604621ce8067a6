/** Peers of a relay. Each is a RelayLeg on its own socket, over UDP or over TLS. */
import dgram from 'node:dgram'
import { once } from 'node:events'
import tls from 'node:tls'
import { RelayLeg } from '../../shared/core/relay/leg.ts'
import { type Grant, grantKey, sealGrant } from '../../shared/crypto/grant.ts'
import { Random } from '../../shared/crypto/random.ts'
import { peerIdOf, type TunnelId, toBase32 } from '../../shared/ids.ts'
import { parseAddress } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { DatagramReader, framed } from '../../shared/wire/datagram-stream.ts'
import { decodeRelay } from '../../shared/wire/relay.ts'
import type { Relay } from '../../udp-edge/relay.ts'

export const FLEET_KEY = new Uint8Array(32).fill(1)
export const random = new Random(new Uint8Array(32).fill(2))

/** The transport of a leg. */
export interface Way {
  send(bytes: Uint8Array): void
  onDatagram(take: (bytes: Buffer) => void): void
  close(): void
}

export async function overUdp(relay: Relay): Promise<Way> {
  const socket = dgram.createSocket('udp4')
  const { words } = parseAddress(relay.address)!
  socket.connect(words[4]!, '127.0.0.1')
  await once(socket, 'connect')
  return {
    send: (bytes) => socket.send(bytes),
    onDatagram: (take) => void socket.on('message', take),
    close: () => void socket.close(),
  }
}

export async function overTls(relay: Relay): Promise<Way & { readonly socket: tls.TLSSocket }> {
  const socket = tls.connect({ host: '127.0.0.1', port: relay.tls!.port, rejectUnauthorized: false })
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  const reader = new DatagramReader()
  return {
    socket,
    send: (bytes) => void socket.write(framed(bytes)),
    onDatagram: (take) => {
      socket.on('data', (chunk) => reader.push(chunk, (datagram) => take(Buffer.from(datagram))))
    },
    close: () => void socket.destroy(),
  }
}

/** Makes grants for both legs of a new tunnel. */
export function grants(): [Grant, Grant] {
  const tunnel = toBase32(random.bytes(16)) as TunnelId
  const [self, other] = [peerIdOf(random.bytes(32)), peerIdOf(random.bytes(32))]
  const expiresAt = Date.now() + 60_000
  return [
    { tunnel, leg: 0, self, other, expiresAt },
    { tunnel, leg: 1, self: other, other: self, expiresAt },
  ]
}

/** A leg. `bound` resolves when the relay has proven its address. */
export class Peer {
  readonly bound: Promise<void>
  /** Everything received, control and data. */
  readonly heard: Buffer[] = []
  readonly #way: Way
  readonly #leg: RelayLeg
  #onData: (bytes: Buffer) => void = () => {}

  constructor(relay: Relay, way: Way, grant: Grant) {
    this.#way = way
    this.#leg = new RelayLeg({
      relay: parseAddress(relay.address)!,
      grant: sealGrant(FLEET_KEY, 'relay', grant, random.bytes(24)),
      key: grantKey(FLEET_KEY, 'relay', grant),
      socket: 0,
    })
    const { promise, resolve } = Promise.withResolvers<void>()
    this.bound = promise
    way.onDatagram((bytes) => {
      this.#take(bytes)
      if (decodeRelay(bytes)?.op === 'kept') resolve()
    })
    this.#run((out) => this.#leg.start(out, Date.now()))
  }

  send(bytes: Uint8Array): void {
    this.#way.send(bytes)
  }

  /** Sends bytes from the other peer and returns what arrives here. */
  afterSending(other: Peer, bytes: Buffer): Promise<Buffer> {
    const { promise, resolve } = Promise.withResolvers<Buffer>()
    this.#onData = resolve
    other.send(bytes)
    return promise
  }

  release(): void {
    this.#run((out) => this.#leg.release(out, Date.now()))
  }

  #take(bytes: Buffer): void {
    this.heard.push(bytes)
    const arrived = new Batch(1)
    arrived.push(bytes, this.#leg.relay.words)
    this.#run((out) => {
      if (this.#leg.take(arrived, 0, out, Date.now()) === 'data') this.#onData(bytes)
    })
  }

  #run(call: (out: Batch) => void): void {
    const out = new Batch(1)
    call(out)
    for (let i = 0; i < out.count; i++) this.#way.send(out.at(i))
  }
}
