/**
 * A way for the packets of udx streams where UDP is dropped: udx sends from a socket of its own and nowhere else, so it
 * is given one on loopback, and another socket there takes its packets out to be carried, and brings in those that came.
 */
import dgram from 'node:dgram'
import type { UdxSocket } from 'udx-native'
import type { Destination } from './dual-socket.ts'
import { udx } from './udx.ts'

const LOOPBACK = '127.0.0.1'
/** Some hundred packets: what udx sends at a time, and what arrives while JavaScript is busy elsewhere. */
const BUFFER_BYTES = 1 << 20
/** Of every packet of udx, and of nothing else that travels in a tunnel. */
const MAGIC = 0xff

export const isUdx = (bytes: Uint8Array): boolean => bytes[0] === MAGIC

export class UdxBridge {
  readonly #inside: UdxSocket
  readonly #outside: dgram.Socket
  #outsidePort: number | undefined

  /** `carry` is given each packet that a stream sends. */
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

  /** Where a stream is sent to be carried. Undefined where the system gives no port on loopback. */
  get destination(): Destination | undefined {
    const port = this.#outsidePort
    return port === undefined ? undefined : { socket: this.#inside, host: LOOPBACK, port }
  }

  /** A packet came for a stream. */
  receive(packet: Uint8Array): void {
    if (this.#outsidePort !== undefined) this.#outside.send(packet, this.#insidePort, LOOPBACK)
  }

  /** Streams are moved before or after; what is on the way here is lost. */
  close(): void {
    this.#outsidePort = undefined
    this.#outside.close()
    void this.#inside.close()
  }

  get #insidePort(): number {
    return this.#inside.address()!.port
  }
}

/** Binds at once: without, dgram looks up even a literal address in a later turn. It calls so, which its types do not say. */
const asIs = ((host: string, family: number, done: (error: null, host: string, family: number) => void) =>
  done(null, host, family)) as unknown as NonNullable<dgram.SocketOptions['lookup']>
