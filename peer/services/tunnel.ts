import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { PeerSocket, PeerSocketEvents } from '../peer-socket.ts'
import type { Datagram } from '../send-arguments.ts'

/** Events of a `PeerSocket`, but a stream need only be a Duplex. */
export interface TunnelEvents extends Omit<PeerSocketEvents, 'stream'> {
  stream: [stream: Duplex, about: { readonly name: string }]
}

type Facts = 'remotePeer' | 'path' | 'whyNotDirect' | 'times' | 'effort'

/** A tunnel as the services use it. A `PeerSocket` is one, and so is a tunnel of another process (cli/daemon). */
export interface Tunnel extends EventEmitter<TunnelEvents>, Pick<PeerSocket, Facts> {
  /** Sends a datagram, which may be lost. */
  send(datagram: Datagram): void
  /** Opens a stream to the other side. */
  createStream(options?: { readonly name?: string; readonly allowHalfOpen?: boolean }): Promise<Duplex>
  /** Closes the tunnel. */
  close(callback?: () => void): unknown
}
