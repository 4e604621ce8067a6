/**
 * Takes the packets of udx streams out of UDP where the network drops it. udx sends only from its own sockets, so it
 * gets one on loopback. Another loopback socket receives its packets to carry them, and sends it the packets that
 * arrive.
 */
import dgram from 'node:dgram'
import type { UdxSocket } from 'udx-native'
import type { Destination } from './dual-socket.ts'
import { udx } from './udx.ts'

const LOOPBACK = '127.0.0.1'
/** Room for several hundred packets: what udx sends at a time, and what arrives while JavaScript is busy. */
const BUFFER_BYTES = 1 << 20
/** First byte of every udx packet, and of nothing else that travels in a tunnel. */
const MAGIC = 0xff

export const isUdx = (bytes: Uint8Array): boolean => bytes[0] === MAGIC

export class UdxBridge {
  readonly #inside: UdxSocket
  readonly #outside: dgram.Socket
  #outsidePort: number | undefined

  /** `carry` gets each packet that a stream sends. */
  constructor(carry: (packet: Uint8Array) => void) {
    this.#inside = udx.createSocket()
    this.#inside.bind(0, LOOPBACK)
    this.#inside.setRecvBufferSize(BUFFER_BYTES)
    this.#outside = dgram.createSocket({ type: 'udp4', recvBufferSize: BUFFER_BYTES, lookup: asIs })
    this.#outside.on('error', () => {})
    this.#outside.on('message', (packet, { port }) => port === this.#insidePort && carry(packet))
    this.#outside.bind(0, LOOPBACK, () => {
      this.#outsidePort = this.#outside.address().port
    })
  }

  /** Destination for a stream that should be carried; undefined if the system gives no port on loopback. */
  get destination(): Destination | undefined {
    const port = this.#outsidePort
    return port === undefined ? undefined : { socket: this.#inside, host: LOOPBACK, port }
  }

  /** Delivers a received packet to its stream. */
  receive(packet: Uint8Array): void {
    if (this.#outsidePort !== undefined) this.#outside.send(packet, this.#insidePort, LOOPBACK)
  }

  /** Closes the sockets. Packets inside the bridge are lost; the caller moves the streams before or after. */
  close(): void {
    this.#outsidePort = undefined
    this.#outside.close()
    void this.#inside.close()
  }

  get #insidePort(): number {
    return this.#inside.address()!.port
  }
}

/**
 * Resolves a literal address synchronously: dgram would otherwise look it up in a later turn, and bind later. Its types
 * do not show how it calls `lookup`.
 */
const asIs = ((host: string, family: number, done: (error: null, host: string, family: number) => void) =>
  done(null, host, family)) as unknown as NonNullable<dgram.SocketOptions['lookup']>
