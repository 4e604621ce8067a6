/**
 * The resources that a host gives to the tunnels of an endpoint: sockets, port mappings on its router, and an application for
 * each tunnel that is told its events. This class carries out the endpoint's requests and decides nothing.
 */
import type { SocketPorts, TunnelsEffect, TunnelsInput } from '../../shared/core/peer/events.ts'
import type { TunnelId } from '../../shared/ids.ts'
import { type Address, addressOf } from '../../shared/wire/address.ts'
import type { Host } from './host.ts'
import type { Process } from './process.ts'
import type { Tunnel } from './tunnel.ts'

/** Time a router takes to answer a request for a port mapping, in milliseconds. */
const MAP_MS = 300

type Grounded = Pick<Process<never, never>, 'alive' | 'sockets' | 'open' | 'close'> & {
  handle(input: Extract<TunnelsInput, { kind: 'sockets' | 'mapped' }>): void
}

export interface GroundSetting {
  readonly host: Host
  readonly process: () => Grounded
  /** Returns the application on a tunnel. It is created on first use. */
  readonly application: (tunnel: TunnelId) => Tunnel
}

export class Ground {
  readonly #setting: GroundSetting
  readonly #owners = new Map<number, Tunnel>()

  constructor(setting: GroundSetting) {
    this.#setting = setting
  }

  perform(effect: TunnelsEffect): void {
    switch (effect.kind) {
      case 'openSockets':
        this.#open(effect)
        break
      case 'closeSockets':
        for (const socket of effect.sockets) this.#close(socket)
        break
      case 'mapPort':
        this.#setting.application(effect.tunnel).on(effect)
        this.#setting.host.world.after(MAP_MS, () => this.#map(effect.port))
        break
      case 'unmapPort':
      case 'lookAtRouter':
      case 'interval':
        break
      default:
        this.#setting.application(effect.tunnel).on(effect)
    }
  }

  #open({ sockets, tunnel }: Extract<TunnelsEffect, { kind: 'openSockets' }>): void {
    const process = this.#setting.process()
    const application = tunnel && this.#setting.application(tunnel)
    const opened = sockets.map((socket) => {
      process.open({}, socket)
      const { port } = process.sockets[socket]!
      if (application !== undefined) this.#give(application, socket, port)
      return { socket, ...portsOf(port) }
    })
    process.handle({ kind: 'sockets', asked: sockets, opened })
  }

  #give(application: Tunnel, socket: number, port: number): void {
    this.#owners.set(socket, application)
    if (application.sockets.size === 0) application.localPort = port
    application.sockets.add(socket)
    application.maxSockets = Math.max(application.maxSockets, application.sockets.size)
  }

  #close(socket: number): void {
    this.#setting.process().close(socket)
    this.#owners.get(socket)?.sockets.delete(socket)
    this.#owners.delete(socket)
  }

  #map(port: number): void {
    const process = this.#setting.process()
    const outside = process.alive ? this.#setting.host.mapPort(port) : undefined
    if (outside === undefined) return
    process.handle({ kind: 'mapped', port, external: addressOf(outside.ip, outside.port)! })
  }
}

/** A simulated socket serves both address families on one port. */
const portsOf = (port: number): SocketPorts => ({ four: port, six: port })

export const ipsOf = (host: Host): Address[] => host.ips.map((ip) => addressOf(ip, 0)!)
