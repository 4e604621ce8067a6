/** One tunnel of an endpoint as its PeerSocket uses it, with the streams that share the tunnel's UDP socket. */
import type { TunnelsEffect, TunnelUse } from '../shared/core/peer/events.ts'
import { TUNNEL_ENDS } from '../shared/core/peer/outcomes.ts'
import type { TunnelEnd, TunnelStatus } from '../shared/core/tunnel/events.ts'
import { UNSETTLED } from '../shared/core/tunnel/security.ts'
import { StraightwayError } from '../shared/errors.ts'
import type { PeerId, TunnelId } from '../shared/ids.ts'
import { type Address, sameAddress } from '../shared/wire/address.ts'
import type { EndpointSockets } from './net/endpoint-sockets.ts'
import { type OpenOptions, Streams } from './stream/streams.ts'
import type { TunnelStream } from './stream/tunnel-stream.ts'
import type { TunnelLink, TunnelListener } from './tunnel-link.ts'

/** Longest time that closing waits for the last bytes of ended streams. */
const FLUSH_MS = 2000
const NOTHING_YET: TunnelStatus = { path: 'none', rttMs: 0, effort: { packets: 0 }, security: UNSETTLED }

export interface TunnelOptions {
  readonly tunnel: TunnelId
  readonly peer: PeerId
  readonly sockets: EndpointSockets
  readonly use: (use: TunnelUse) => void
  /** Status of the tunnel; undefined after its end. */
  readonly status: () => TunnelStatus | undefined
}

/** Effects of the endpoint that concern one tunnel. */
export type TunnelNews = Extract<TunnelsEffect, { tunnel: TunnelId }>

export class Tunnel implements TunnelLink {
  readonly peer: PeerId
  listener!: TunnelListener
  /** Resolves when the first path is open. Rejects with `closed` if the tunnel ends before that. */
  readonly opened: Promise<void>
  readonly #options: TunnelOptions
  readonly #streams: Streams
  #open!: { resolve(): void; reject(error: StraightwayError): void }
  #remote: Address | undefined
  /** Number of the socket that the current path uses. */
  #through = 0
  /** Status at the end of the tunnel. */
  #lastStatus: TunnelStatus | undefined
  #ports: TunnelLink['ports']
  #closing: Promise<void> | undefined

  constructor(options: TunnelOptions) {
    const { peer, sockets, tunnel, use } = options
    this.peer = peer
    this.#options = options
    this.#ports = sockets.portsOf(tunnel) ?? { four: undefined, six: undefined }
    this.opened = new Promise((resolve, reject) => {
      this.#open = { resolve, reject }
    })
    this.opened.catch(() => {})
    this.#streams = new Streams({
      signals: {
        open: (stream, key, name) => use({ kind: 'openStream', stream, key, name }),
        accept: (stream, accepter) => use({ kind: 'acceptStream', stream, accepter }),
        refuse: (stream, reason) => use({ kind: 'refuseStream', stream, ...(reason && { reason }) }),
      },
      route: () => this.#remote && sockets.destination(this.#through, this.#remote.words),
      offered: (stream, answer) => this.listener.stream(stream, answer),
      active: (active) => use({ kind: 'streaming', active }),
    })
  }

  get status(): TunnelStatus {
    return this.#lastStatus ?? this.#options.status() ?? NOTHING_YET
  }

  /** Address that datagrams are sent to now. */
  get remote(): Address | undefined {
    return this.#remote
  }

  get ports(): TunnelLink['ports'] {
    this.#ports = this.#options.sockets.portsOf(this.#options.tunnel) ?? this.#ports
    return this.#ports
  }

  send(bytes: Uint8Array): void {
    this.#options.use({ kind: 'send', bytes })
  }

  openStream(options: OpenOptions): Promise<TunnelStream> {
    return this.#streams.open(options)
  }

  /** Tells the streams that the transport of the tunnel's socket changed. */
  moved(): void {
    this.#streams.moved()
  }

  /** Closes the tunnel after ended streams have delivered their last bytes, or after FLUSH_MS. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  on(news: TunnelNews): void {
    switch (news.kind) {
      case 'path':
        this.#onPath(news.remote, news.socket)
        break
      case 'security':
        this.listener.security()
        break
      case 'datagram':
        this.listener.datagram(news.bytes, news.from)
        break
      case 'streamOpen':
        this.#streams.opened(news.stream, news.key, news.name)
        break
      case 'streamAccepted':
        this.#streams.accepted(news.stream, news.accepter)
        break
      case 'streamRefused':
        this.#streams.refused(news.stream, news.reason)
        break
      case 'closed':
        this.#closed(news.end, news.status)
    }
  }

  async #close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FLUSH_MS)
    })
    await Promise.race([this.#streams.finished(), late])
    clearTimeout(timer)
    this.#options.use({ kind: 'close' })
  }

  /** Handles a path. Also called if only the reason for a relayed path changed. */
  #onPath(remote: Address, through: number): void {
    const same = this.#remote !== undefined && sameAddress(this.#remote.words, 0, remote.words, 0)
    const moved = !same || through !== this.#through
    this.#remote = remote
    this.#through = through
    if (moved) this.#streams.moved()
    this.#open.resolve()
    this.listener.path()
  }

  #closed(end: TunnelEnd, status: TunnelStatus): void {
    this.#lastStatus = status
    this.#streams.close(end === 'closed' ? undefined : new StraightwayError('closed', TUNNEL_ENDS[end]))
    this.#closing ??= Promise.resolve()
    this.#open.reject(new StraightwayError('closed', TUNNEL_ENDS[end]))
    this.listener.closed(end)
  }
}
