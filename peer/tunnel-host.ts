/** Provides the tunnels of an endpoint with sockets and mapped ports, and delivers the endpoint's news to each tunnel. */
import type { TunnelsEffect, TunnelsInput } from '../shared/core/peer/events.ts'
import type { TunnelStatus } from '../shared/core/tunnel/events.ts'
import type { PeerId, TunnelId } from '../shared/ids.ts'
import type { EndpointSockets } from './net/endpoint-sockets.ts'
import type { PortMapping } from './net/port-mapping.ts'
import { Tunnel, type TunnelNews } from './tunnel.ts'

export interface TunnelHostOptions {
  readonly sockets: EndpointSockets
  /** Port mapping at the default gateway. Without it, no port is mapped. */
  readonly mapping?: PortMapping
  readonly handle: (input: Extract<TunnelsInput, { kind: 'sockets' | 'mapped' | 'use' | 'udp' }>) => void
  readonly statusOf: (tunnel: TunnelId) => TunnelStatus | undefined
}

export type HostedEffect = Exclude<
  TunnelsEffect,
  { kind: 'prepared' | 'unprepared' | 'rejoinWanted' | 'interval' }
>

export class TunnelHost {
  readonly #options: TunnelHostOptions
  readonly #tunnels = new Map<TunnelId, Tunnel>()
  /** Functions that remove a port mapping, by local port. */
  readonly #mapped = new Map<number, () => void>()

  constructor(options: TunnelHostOptions) {
    this.#options = options
    options.sockets.onMoved = (tunnel) => this.#tunnels.get(tunnel)?.moved()
  }

  /** Adds a tunnel that both sides agreed on. */
  add(tunnel: TunnelId, peer: PeerId): Tunnel {
    const { sockets, handle, statusOf } = this.#options
    const made = new Tunnel({
      tunnel,
      peer,
      sockets,
      use: (use) => handle({ kind: 'use', tunnel, use }),
      status: () => statusOf(tunnel),
    })
    this.#tunnels.set(tunnel, made)
    return made
  }

  perform(effect: HostedEffect): void {
    const { sockets, handle } = this.#options
    switch (effect.kind) {
      case 'openSockets':
        handle({ kind: 'sockets', asked: effect.sockets, opened: sockets.open(effect) })
        break
      case 'closeSockets':
        sockets.close(effect.sockets)
        break
      case 'lookAtRouter':
        this.#options.mapping?.prepare()
        break
      case 'mapPort':
        this.#map(effect.port)
        break
      case 'unmapPort':
        this.#mapped.get(effect.port)?.()
        this.#mapped.delete(effect.port)
        break
      default:
        this.#tell(effect)
    }
  }

  /** Switches all tunnels to or from carriers, when UDP turns out to be dropped or to work. */
  setUdp(blocked: boolean): void {
    this.#options.sockets.setUdp(blocked)
    this.#options.handle({ kind: 'udp', blocked })
    for (const tunnel of this.#tunnels.values()) tunnel.moved()
  }

  /** Closes all tunnels. Each one gets at most 2 s to deliver the last bytes of its streams. */
  async close(): Promise<void> {
    await Promise.all([...this.#tunnels.values()].map((tunnel) => tunnel.close()))
    await this.#options.mapping?.close()
  }

  #map(port: number): void {
    const unmap = this.#options.mapping?.map(port, (external) =>
      this.#options.handle({ kind: 'mapped', port, external }),
    )
    if (unmap !== undefined) this.#mapped.set(port, unmap)
  }

  #tell(news: TunnelNews): void {
    const tunnel = this.#tunnels.get(news.tunnel)
    if (news.kind === 'closed') this.#tunnels.delete(news.tunnel)
    tunnel?.on(news)
  }
}
