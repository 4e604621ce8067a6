import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { PeerSocket, PeerSocketEvents } from '../peer-socket.ts'
import type { Datagram } from '../send-arguments.ts'

/** As of a `PeerSocket`, with streams that only have to be a Duplex. */
export interface TunnelEvents extends Omit<PeerSocketEvents, 'stream'> {
  stream: [stream: Duplex, about: { readonly name: string }]
}

type Facts = 'remotePeer' | 'path' | 'whyNotDirect' | 'times' | 'effort'

/** What services need of a tunnel: a `PeerSocket` is one, and so is a tunnel of another process (cli/daemon). */
export interface Tunnel extends EventEmitter<TunnelEvents>, Pick<PeerSocket, Facts> {
  /** Sends a datagram, or loses it. */
  send(datagram: Datagram): void
  /** Opens a stream to the other side. */
  createStream(options?: { readonly name?: string; readonly allowHalfOpen?: boolean }): Promise<Duplex>
  /** Ends the tunnel. */
  close(callback?: () => void): unknown
}
