/**
 * One end of a tunnel as the application on top of an endpoint sees it. It sends at an even pace and numbers its datagrams,
 * so that lost and duplicated ones are detected.
 */
import type { TunnelsEffect, TunnelUse } from '../../shared/core/peer/events.ts'
import type { TunnelEnd } from '../../shared/core/tunnel/events.ts'
import type { TunnelMachine } from '../../shared/core/tunnel/tunnel-machine.ts'
import type { TunnelId } from '../../shared/ids.ts'
import type { WhyNotDirect } from '../../shared/why-not-direct.ts'
import { formatAddress } from '../../shared/wire/address.ts'
import type { Host } from './host.ts'

export interface TunnelSetting {
  readonly host: Host
  readonly use: (use: TunnelUse) => void
  /** Returns the tunnel machine; undefined while the tunnel has no socket, and after its end. */
  readonly machine: () => TunnelMachine | undefined
  readonly onDatagram?: () => void
}

export interface PathEvent {
  readonly at: number
  readonly path: 'direct' | 'relayed' | 'none'
  readonly whyNotDirect?: WhyNotDirect
}

export type TunnelNews = Extract<TunnelsEffect, { tunnel: TunnelId }>

const HEADER_BYTES = 4

export class Tunnel {
  readonly paths: PathEvent[] = []
  /** Numbers of the received datagrams, each once. */
  readonly received = new Set<number>()
  duplicates = 0
  /** Source addresses of datagrams. `crossed` counts those that came from another address than this side sends to. */
  readonly sources = new Set<string>()
  crossed = 0
  sent = 0
  end: TunnelEnd | undefined
  /** Maximum number of sockets open at one time, and those open now. */
  maxSockets = 0
  readonly sockets = new Set<number>()
  /** Port of its own socket. */
  localPort = 0
  /** True if the tunnel asked for a port mapping. */
  wantsPort = false
  /** True if the relay was given up. */
  released = false
  #remote = ''
  /** True if this side made the offer. */
  initiator = false
  readonly #setting: TunnelSetting
  #machine: TunnelMachine | undefined
  #killed = false

  constructor(setting: TunnelSetting) {
    this.#setting = setting
  }

  /** The tunnel machine, or its last one after the end. */
  get machine(): TunnelMachine {
    this.#machine = this.#setting.machine() ?? this.#machine
    return this.#machine!
  }

  get path(): PathEvent['path'] {
    return this.paths.at(-1)?.path ?? 'none'
  }

  get whyNotDirect(): WhyNotDirect | undefined {
    return this.machine.status.whyNotDirect
  }

  get alive(): boolean {
    return this.end === undefined && !this.#killed
  }

  get openSockets(): number {
    return this.sockets.size
  }

  /** Sends a datagram of `bytes` in all. */
  send(bytes = 64): void {
    const payload = new Uint8Array(Math.max(bytes, HEADER_BYTES))
    new DataView(payload.buffer).setUint32(0, ++this.sent)
    this.#setting.use({ kind: 'send', bytes: payload })
  }

  /** Sends a datagram every `everyMs`, for `forMs`. */
  talk(everyMs: number, forMs: number, bytes?: number): void {
    if (forMs <= 0 || !this.alive) return
    this.send(bytes)
    this.#setting.host.world.after(everyMs, () => this.talk(everyMs, forMs - everyMs, bytes))
  }

  close(): void {
    this.#setting.use({ kind: 'close' })
  }

  /** Records that its process has ended. */
  killed(): void {
    this.#killed = true
  }

  on(effect: TunnelNews): void {
    const { world, name } = this.#setting.host
    this.#machine = this.#setting.machine() ?? this.#machine
    switch (effect.kind) {
      case 'path':
        world.event(`${name} tunnel ${effect.path}`)
        this.#remote = formatAddress(effect.remote.words)
        this.paths.push({
          at: world.now,
          path: effect.path,
          ...(effect.whyNotDirect && { whyNotDirect: effect.whyNotDirect }),
        })
        break
      case 'interrupted':
        this.paths.push({ at: world.now, path: 'none' })
        break
      case 'datagram':
        this.sources.add(formatAddress(effect.from.words))
        if (formatAddress(effect.from.words) !== this.#remote) this.crossed++
        this.#take(effect.bytes)
        break
      case 'mapPort':
        this.wantsPort = true
        break
      case 'released':
        this.released = true
        break
      case 'closed':
        world.event(`${name} tunnel ends: ${effect.end}`)
        this.end = effect.end
    }
  }

  #take(bytes: Uint8Array): void {
    const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
    if (this.received.has(number)) this.duplicates++
    this.received.add(number)
    this.#setting.onDatagram?.()
  }
}
