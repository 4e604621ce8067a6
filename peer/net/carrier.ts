import type { Destination, Receive } from './dual-socket.ts'

/**
 * Carries datagrams to some addresses otherwise than by UDP, where a network drops that. Whoever sends sees no
 * difference: a datagram keeps its bytes and its address, and what comes back is handed on as from that address.
 */
export interface Carrier {
  /** True where it took the datagram, which is then lost or arrives as over UDP. `bytes` are the caller's to reuse. */
  send(words: Uint32Array, at: number, bytes: Uint8Array): boolean
  /** Where a stream is sent so that its packets go to that address by this carrier, if it takes any. */
  destination?(words: Uint32Array): Destination | undefined
  close(): void
}

/** Makes the carriers of one socket; `receive` gets what they bring. */
export type Carry = (receive: Receive) => readonly Carrier[]
