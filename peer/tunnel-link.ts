import type { TunnelEnd, TunnelStatus } from '../shared/core/tunnel/events.ts'
import type { PeerId } from '../shared/ids.ts'
import type { Address } from '../shared/wire/address.ts'
import type { Answer, OpenOptions } from './stream/streams.ts'
import type { TunnelStream } from './stream/tunnel-stream.ts'

/** What a socket needs of its tunnel. */
export interface TunnelLink {
  /** The other side. */
  readonly peer: PeerId
  /** The first path is there; rejects where there will be none. */
  readonly opened: Promise<void>
  readonly status: TunnelStatus
  /** Where datagrams go now; undefined before the first path. */
  readonly remote: Address | undefined
  /** Where it is bound; undefined for a family that is missing. */
  readonly ports: { readonly four: number | undefined; readonly six: number | undefined }
  /** Who is told; set before the tunnel begins. */
  listener: TunnelListener
  send(bytes: Uint8Array): void
  openStream(options: OpenOptions): Promise<TunnelStream>
  close(): Promise<void>
}

export interface TunnelListener {
  path(): void
  /** `from`: the address of the path that brought it. */
  datagram(bytes: Uint8Array, from: Address): void
  /** The other side opened a stream; `answer` is called once. */
  stream(stream: TunnelStream, answer: (answer: Answer) => void): void
  closed(end: TunnelEnd): void
}
