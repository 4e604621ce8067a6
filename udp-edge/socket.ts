import type { Address } from '../shared/wire/address.ts'
import type { Batch } from '../shared/wire/batch.ts'

/**
 * What a driver needs of a UDP socket, batch-shaped. `native-socket.ts` implements it with one system call a batch,
 * `dgram-socket.ts` with one a datagram.
 */
export interface DatagramSocket {
  /** What it is bound to: one address, or one of each family on the same port. */
  readonly addresses: readonly Address[]
  readonly counters: Readonly<SocketCounters>
  /**
   * Sends datagrams `from` to `to` - 1 of the batch at once, each with its own TTL, never throwing: what cannot be sent
   * is counted and lost, as on any network. True where the socket still needs the bytes: then the batch is the
   * socket's, and must not be written again.
   */
  send(batch: Batch, from: number, to: number): boolean
  close(): Promise<void>
}

export interface SocketCounters {
  received: number
  /** Handed to the system, which may still lose it. */
  sent: number
  /** Too long for a slot, from or to an address that is none (100::/64 is none over UDP), or no room left to send. */
  dropped: number
  /** Errors the system reported for a socket that stays open. */
  errors: number
  /** Lost by the system before they were read, because the receive buffer was full: the process is too slow. */
  overrun: number
}

/** Where a socket appends what arrives. */
export interface Inbox {
  readonly batch: Batch
  /** What to write into `batch.socket`. */
  readonly socket: number
  /** Call after each append, or once after many. */
  arrived(): void
}

/**
 * `host` is a literal address. `0.0.0.0` is every IPv4 address; `::` is every address of both families. Port 0 lets
 * the system choose.
 */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** Rejects with `unavailable` where the endpoint cannot be bound. */
export type Bind = (endpoint: Endpoint, inbox: Inbox) => Promise<DatagramSocket>
