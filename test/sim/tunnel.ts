/**
 * One end of a tunnel, as the SDK would hold it: the machine on a socket of its own, and an application on top that talks
 * at an even pace. Every datagram is numbered, so that what is lost or doubled is known.
 */
import type { Agreement } from '../../shared/core/peer/events.ts'
import type { TunnelEffect, TunnelEnd, TunnelInput, TunnelOptions } from '../../shared/core/tunnel/events.ts'
import { TunnelMachine } from '../../shared/core/tunnel/tunnel-machine.ts'
import type { WhyNotDirect } from '../../shared/why-not-direct.ts'
import { type Address, addressOf, formatAddress, formatIp, PORT_WORD } from '../../shared/wire/address.ts'
import type { Direction } from '../../shared/wire/offers.ts'
import type { Candidate } from '../../shared/wire/profile.ts'
import type { Host } from './host.ts'
import { Process } from './process.ts'

export interface TunnelSetting extends Omit<TunnelOptions, 'candidates' | 'localPort' | 'now'> {
  readonly host: Host
  /** This side made the offer. */
  readonly initiator?: boolean
  /** The machine wants to be led to a HANDSHAKE again. */
  readonly onRejoin: () => void
  readonly onDatagram: () => void
}

export interface PathEvent {
  readonly at: number
  readonly path: 'direct' | 'relayed' | 'none'
  readonly whyNotDirect?: WhyNotDirect
}

const HEADER_BYTES = 4
/** Until a router has answered that it gives a port. */
const MAP_MS = 300

export class Tunnel {
  readonly machine: TunnelMachine
  readonly paths: PathEvent[] = []
  /** Numbers of the datagrams that came, each once. */
  readonly received = new Set<number>()
  duplicates = 0
  /** Addresses that datagrams came from, and how many came from another one than this side sends to. */
  readonly sources = new Set<string>()
  crossed = 0
  sent = 0
  end: TunnelEnd | undefined
  /** Most sockets that there were at once. */
  maxSockets = 1
  /** A router was to be asked for a port. */
  wantsPort = false
  /** The relay was given up. */
  released = false
  #remote = ''
  readonly #process: Process<TunnelInput, TunnelEffect>
  readonly #setting: TunnelSetting
  readonly localPort: number

  constructor(setting: TunnelSetting) {
    const { host, seed, keys, direction, expected, terms, stun } = setting
    const localPort = host.freePort()
    this.#setting = setting
    this.localPort = localPort
    this.machine = new TunnelMachine({
      ...{ seed, keys, direction, expected, terms, stun },
      ...(setting.scatter !== undefined && { scatter: setting.scatter }),
      nat: setting.nat,
      udpBlocked: host.udpBlocked,
      localPort,
      candidates: candidatesOf(host, localPort),
      now: host.clock,
    })
    this.#process = new Process(host, this.machine, [{ port: localPort }], (effect) => this.#on(effect))
  }

  get initiator(): boolean {
    return this.#setting.initiator ?? false
  }

  get path(): PathEvent['path'] {
    return this.paths.at(-1)?.path ?? 'none'
  }

  get whyNotDirect(): WhyNotDirect | undefined {
    return this.machine.status.whyNotDirect
  }

  get alive(): boolean {
    return this.end === undefined && this.#process.alive
  }

  /** Opens the NAT for what comes from there, as `reply` says. */
  open({ words }: Address, ttl: number): void {
    const to = { ip: formatIp(words), port: words[PORT_WORD]! }
    this.#setting.host.send(this.#process.sockets[0]!, to, new Uint8Array(1), ttl)
  }

  /** The other side has the offer. */
  approach(direction: Direction): void {
    this.#process.handle({ kind: 'approach', direction })
  }

  /** The other side wants it too. False where it wants other paths. */
  agree({
    keys,
    direction,
    expected,
    terms,
  }: Pick<Agreement, 'keys' | 'direction' | 'expected' | 'terms'>): boolean {
    if (terms.paths !== this.#setting.terms.paths) return false
    this.#process.handle({ kind: 'agreed', keys, direction, expected, terms })
    return true
  }

  /** A datagram of `bytes` in all. */
  send(bytes = 64): void {
    const payload = new Uint8Array(Math.max(bytes, HEADER_BYTES))
    new DataView(payload.buffer).setUint32(0, ++this.sent)
    this.#process.handle({ kind: 'send', bytes: payload })
  }

  /** A datagram every so often, from now on. */
  talk(everyMs: number, forMs: number, bytes?: number): void {
    if (forMs <= 0 || !this.alive) return
    this.send(bytes)
    this.#setting.host.world.after(everyMs, () => this.talk(everyMs, forMs - everyMs, bytes))
  }

  rejoin(direction: Direction): void {
    this.#process.handle({ kind: 'rejoin', direction })
  }

  /** UDP is dropped here from now on, or works again. */
  udp(blocked: boolean): void {
    this.#process.handle({ kind: 'udp', blocked })
  }

  networkChanged(): void {
    const { host } = this.#setting
    const candidates = candidatesOf(host, this.#process.sockets[0]!.port)
    this.#process.handle({ kind: 'networkChanged', candidates })
  }

  close(): void {
    this.#process.handle({ kind: 'close' })
  }

  kill(): void {
    this.#process.kill()
  }

  /** Once, however often it is wanted. */
  #wantPort(): void {
    if (this.wantsPort) return
    this.wantsPort = true
    this.#setting.host.world.after(MAP_MS, () => this.#askForPort(this.localPort))
  }

  #askForPort(port: number): void {
    const { host } = this.#setting
    const outside = this.alive ? host.mapPort(port) : undefined
    if (outside === undefined) return
    const mapped = { kind: 'mapped', address: addressOf(outside.ip, outside.port)! } as const
    this.#process.handle({ kind: 'candidates', candidates: [mapped, ...candidatesOf(host, port)] })
  }

  #on(effect: TunnelEffect): void {
    const { world, name } = this.#setting.host
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
      case 'rejoin':
        this.#setting.onRejoin()
        break
      case 'mapPort':
        this.#wantPort()
        break
      case 'openSockets':
        this.#openSockets(effect.count)
        break
      case 'closeSockets':
        this.#closeSockets(effect.keep)
        break
      case 'released':
        this.released = true
        break
      case 'closed':
        world.event(`${name} tunnel ends: ${effect.end}`)
        this.end = effect.end
        break
    }
  }

  /** One tunnel of a host: it is always alone. */
  #openSockets(count: number): void {
    const { sockets } = this.#process
    for (let number = 1; number <= count; number++)
      if (sockets[number] === undefined) this.#process.open({}, number)
    this.maxSockets = Math.max(this.maxSockets, sockets.length)
    const ports = [...sockets.slice(1)].map((socket) => socket?.port ?? 0)
    this.#process.handle({ kind: 'sockets', ports, alone: true })
  }

  #closeSockets(keep: readonly number[]): void {
    for (const number of this.#process.sockets.keys())
      if (number > 0 && !keep.includes(number)) this.#process.close(number)
  }

  /** Sockets that are open now, its own included. */
  get openSockets(): number {
    return this.#process.sockets.filter((socket) => socket !== undefined).length
  }

  #take(bytes: Uint8Array): void {
    const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
    if (this.received.has(number)) this.duplicates++
    this.received.add(number)
    this.#setting.onDatagram()
  }
}

function candidatesOf(host: Host, port: number): Candidate[] {
  return host.ips.map((ip) => ({ kind: 'host', address: addressOf(ip, port)! }))
}
