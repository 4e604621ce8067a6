import type { Destination, Receive } from './dual-socket.ts'

/**
 * A transport other than UDP for datagrams to some addresses, for networks that drop UDP. It is transparent to the
 * sender: a datagram keeps its bytes and its address, and an answer appears to come from that address.
 */
export interface Carrier {
  /** Returns true if it accepted the datagram, which then arrives or is lost as over UDP. The caller may reuse `bytes`. */
  send(words: Uint32Array, at: number, bytes: Uint8Array): boolean
  /** Destination for a stream whose packets should reach that address through this carrier; undefined if it carries none. */
  destination?(words: Uint32Array): Destination | undefined
  close(): void
}

/** Makes the carriers of one socket; `receive` gets the datagrams that they bring. */
export type Carry = (receive: Receive) => readonly Carrier[]
