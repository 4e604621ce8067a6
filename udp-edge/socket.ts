import type { Address } from '../shared/wire/address.ts'
import type { Batch } from '../shared/wire/batch.ts'

/**
 * A UDP socket that sends and receives batches. `native-socket.ts` implements it with one system call per batch,
 * `dgram-socket.ts` with one per datagram.
 */
export interface DatagramSocket {
  /** Bound addresses: one, or one of each family on the same port. */
  readonly addresses: readonly Address[]
  readonly counters: Readonly<SocketCounters>
  /**
   * Sends datagrams `from` to `to` - 1 of the batch immediately, each with its own TTL. Never throws: a datagram that cannot
   * be sent is counted and dropped, as on any network. True if the socket still needs the bytes; then the batch belongs to
   * the socket and must not be written again.
   */
  send(batch: Batch, from: number, to: number): boolean
  close(): Promise<void>
}

export interface SocketCounters {
  received: number
  /** Datagrams handed to the system, which may still lose them. */
  sent: number
  /** Datagrams too long for a slot, with an invalid address (100::/64 is invalid over UDP), or without room in the buffer. */
  dropped: number
  /** Errors that the system reported for a socket that stays open. */
  errors: number
  /** Datagrams that the system dropped because the receive buffer was full, which means that the process is too slow. */
  overrun: number
}

/** The batch to which a socket appends received datagrams. */
export interface Inbox {
  readonly batch: Batch
  /** The socket's number, which it writes into `batch.socket`. */
  readonly socket: number
  /** The socket calls this after each append, or once after several. */
  arrived(): void
}

/**
 * An address to bind. `host` is a literal address: `0.0.0.0` stands for every IPv4 address, `::` for every address of both
 * families. Port 0 lets the system choose.
 */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** Binds a socket. Rejects with `unavailable` if the endpoint cannot be bound. */
export type Bind = (endpoint: Endpoint, inbox: Inbox) => Promise<DatagramSocket>
