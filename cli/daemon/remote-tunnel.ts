/** A tunnel of the process that is `up`, for use by a verb. */
import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { PeerSocket, RemoteInfo, TunnelEnd } from '../../peer/index.ts'
import type { Value } from '../../serve/records.ts'
import type { Tunnel, TunnelEvents } from '../../serve/tunnel.ts'
import { errorOf, type TunnelFacts } from './protocol.ts'

export interface RemoteTunnelOptions {
  readonly send: (bytes: Buffer) => void
  readonly open: (name: string) => Promise<Duplex>
  readonly take: (stream: number) => Promise<Duplex>
  readonly close: () => Promise<unknown>
}

export class RemoteTunnel extends EventEmitter<TunnelEvents> implements Tunnel {
  readonly #options: RemoteTunnelOptions
  #facts: TunnelFacts
  /** Events queued until the verb had a chance to add listeners. */
  #early: (() => void)[] | undefined = []

  constructor(facts: TunnelFacts, options: RemoteTunnelOptions) {
    super()
    this.#facts = facts
    this.#options = options
    setImmediate(() => {
      const early = this.#early ?? []
      this.#early = undefined
      for (const act of early) act()
    })
  }

  get remotePeer(): PeerSocket['remotePeer'] {
    return this.#facts.remotePeer
  }

  get path(): PeerSocket['path'] {
    return this.#facts.path
  }

  get whyNotDirect(): PeerSocket['whyNotDirect'] {
    return this.#facts.whyNotDirect
  }

  get times(): PeerSocket['times'] {
    return this.#facts.times
  }

  get effort(): PeerSocket['effort'] {
    return this.#facts.effort
  }

  get security(): PeerSocket['security'] {
    return this.#facts.security
  }

  send(datagram: Parameters<Tunnel['send']>[0]): void {
    const parts = Array.isArray(datagram) ? datagram : [datagram as string | Uint8Array]
    this.#options.send(Buffer.concat(parts.map((part) => Buffer.from(part as string))))
  }

  createStream({ name = '' }: { readonly name?: string } = {}): Promise<Duplex> {
    return this.#options.open(name)
  }

  close(callback: () => void = () => {}): this {
    this.#options.close().then(callback, callback)
    return this
  }

  happened(event: string, facts: TunnelFacts, value: Value): void {
    this.#facts = facts
    const act = () => this.#emit(event, value)
    if (this.#early === undefined) act()
    else this.#early.push(act)
  }

  /** Handles the end of the process that had the tunnel. */
  lost(): void {
    this.emit('close', 'closed')
  }

  #emit(event: string, value: Value): void {
    switch (event) {
      case 'tunnel/path':
        this.emit('path', this.path, this.whyNotDirect)
        break
      case 'tunnel/security':
        this.emit('security', this.security)
        break
      case 'tunnel/message':
        this.emit('message', Buffer.from(`${value.bytes}`, 'base64'), value.from as RemoteInfo)
        break
      case 'tunnel/stream':
        this.#options.take(value.stream as number).then(
          (stream) => this.emit('stream', stream, { name: `${value.name}` }),
          () => {},
        )
        break
      case 'tunnel/error':
        if (this.listenerCount('error') > 0) this.emit('error', errorOf(value)!)
        break
      case 'tunnel/close':
        this.emit('close', value.end as TunnelEnd)
        break
    }
  }
}
