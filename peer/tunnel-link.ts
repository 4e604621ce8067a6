import type { TunnelEnd, TunnelStatus } from '../shared/core/tunnel/events.ts'
import type { PeerId } from '../shared/ids.ts'
import type { Address } from '../shared/wire/address.ts'
import type { Answer, OpenOptions } from './stream/streams.ts'
import type { TunnelStream } from './stream/tunnel-stream.ts'

/** The tunnel as a PeerSocket uses it. */
export interface TunnelLink {
  /** Id of the peer on the other side. */
  readonly peer: PeerId
  /** Resolves when the first path is open; rejects if there will be none. */
  readonly opened: Promise<void>
  readonly status: TunnelStatus
  /** Address that datagrams are sent to now; undefined before the first path. */
  readonly remote: Address | undefined
  /** Local ports by family; undefined for a family that is not available. */
  readonly ports: { readonly four: number | undefined; readonly six: number | undefined }
  /** Receiver of the tunnel's events; set before the tunnel begins. */
  listener: TunnelListener
  send(bytes: Uint8Array): void
  openStream(options: OpenOptions): Promise<TunnelStream>
  close(): Promise<void>
}

export interface TunnelListener {
  path(): void
  /** The tunnel became hybrid, or is not although both sides agreed on it. */
  security(): void
  /** `from`: the address of the path on which the datagram arrived. */
  datagram(bytes: Uint8Array, from: Address): void
  /** The other side opened a stream. Call `answer` once. */
  stream(stream: TunnelStream, answer: (answer: Answer) => void): void
  closed(end: TunnelEnd): void
}
