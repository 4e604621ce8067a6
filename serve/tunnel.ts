import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Effort, TunnelEnd } from '../shared/core/tunnel/events.ts'
import type { Security } from '../shared/core/tunnel/security.ts'
import type { Datagram, Path, RemoteInfo } from '../shared/datagram.ts'
import type { StraightwayError } from '../shared/errors.ts'
import type { PeerId } from '../shared/ids.ts'
import type { WhyNotDirect } from '../shared/why-not-direct.ts'

/** Events of a `PeerSocket`, but a stream need only be a Duplex. */
export interface TunnelEvents {
  /** The first path is open. */
  listening: []
  /** A datagram arrived. */
  message: [message: Buffer, from: RemoteInfo]
  /** The kind of path changed, or the reason why it is relayed changed. */
  path: [path: Path, whyNotDirect: WhyNotDirect | undefined]
  /** The tunnel became hybrid, or is not although both sides can. */
  security: [security: Security]
  /** The other side opened a stream. */
  stream: [stream: Duplex, about: { readonly name: string }]
  /** The tunnel ended. */
  close: [end: TunnelEnd]
  /** A datagram could not be sent. */
  error: [error: StraightwayError]
}

/** A tunnel as the services use it. A `PeerSocket` is one, and so is a tunnel of another process (cli/daemon). */
export interface Tunnel extends EventEmitter<TunnelEvents> {
  /** Id of the peer on the other side. */
  readonly remotePeer: PeerId
  /** Kind of path that carries the datagrams now. */
  readonly path: Path
  /** Why the path is not direct. Undefined on a direct path. */
  readonly whyNotDirect: WhyNotDirect | undefined
  /** Milliseconds to the first packet of the other side, and to the first direct path. */
  readonly times: { readonly firstByteMs?: number; readonly directMs?: number }
  /** Cost of the search for a direct path. */
  readonly effort: Effort
  /** The cryptography of the tunnel. */
  readonly security: Security
  /** Sends a datagram, which may be lost. */
  send(datagram: Datagram): void
  /** Opens a stream to the other side. */
  createStream(options?: { readonly name?: string; readonly allowHalfOpen?: boolean }): Promise<Duplex>
  /** Closes the tunnel. */
  close(callback?: () => void): unknown
}
