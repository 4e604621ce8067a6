/** A tunnel's machine on a socket of its own, and the streams that run beside it on the same socket. */
import { randomBytes } from 'node:crypto'
import type { Agreement } from '../shared/core/peer/events.ts'
import type { TunnelEffect, TunnelEnd, TunnelInput, TunnelStatus } from '../shared/core/tunnel/events.ts'
import type { StunServer } from '../shared/core/tunnel/evidence.ts'
import type { NatClass } from '../shared/core/tunnel/nat-class.ts'
import { TunnelMachine } from '../shared/core/tunnel/tunnel-machine.ts'
import { now } from '../shared/drive/clock.ts'
import type { Loop } from '../shared/drive/loop.ts'
import { StraightwayError } from '../shared/errors.ts'
import type { PeerId } from '../shared/ids.ts'
import { WHY_NOT_DIRECT, type WhyNotDirect } from '../shared/why-not-direct.ts'
import { ADDRESS_WORDS, type Address, isLoopback, sameAddress } from '../shared/wire/address.ts'
import type { Batch } from '../shared/wire/batch.ts'
import type { Direction } from '../shared/wire/offers.ts'
import type { Candidate } from '../shared/wire/profile.ts'
import type { Carrier, Carry } from './net/carrier.ts'
import { drive } from './net/drive.ts'
import { type Destination, DualSocket } from './net/dual-socket.ts'
import { FreshSockets } from './net/fresh-sockets.ts'
import { hostAddresses } from './net/host-addresses.ts'
import type { PortMapping } from './net/port-mapping.ts'
import { type OpenOptions, Streams } from './stream/streams.ts'
import type { TunnelStream } from './stream/tunnel-stream.ts'
import type { TunnelLink, TunnelListener } from './tunnel-link.ts'
import { SCATTER_TURN } from './turn.ts'

/** How long closing waits for the last bytes of streams that have ended. */
const FLUSH_MS = 2000

/** What a tunnel begins with; the rest comes later where the other side has not decided yet. */
export type TunnelPlan = Pick<Agreement, 'peer' | 'terms'> &
  Partial<Pick<Agreement, 'keys' | 'direction' | 'expected'>>

export interface TunnelOptions {
  readonly plan: TunnelPlan
  /** Default: a new one. */
  readonly socket?: DualSocket
  /** Of this host, as they were last seen. Default: looks now. */
  readonly ips?: () => readonly Address[]
  readonly stun: readonly StunServer[]
  /** Default true. */
  readonly scatter?: boolean
  /** What carries its datagrams while UDP is dropped here. Without, nothing does. */
  readonly carry?: Carry
  /** UDP is dropped here, as far as is known. Default false. */
  readonly udpBlocked?: boolean
  /** Gets a port of the gateway for ours. Without, there is none. */
  readonly map?: PortMapping['map']
  /** What its sockets may expect. */
  readonly nat?: NatClass | undefined
  /** What other sockets may expect. */
  readonly surveyed?: (nat: NatClass) => void
  /** Have both sides led to a HANDSHAKE again. */
  readonly rejoin: () => void
  readonly closed: () => void
  readonly fault: (error: unknown) => void
}

export class Tunnel implements TunnelLink {
  readonly peer: PeerId
  listener!: TunnelListener
  /** The first path is there. Rejects with `timeout` where there will be none, and `closed`. */
  readonly opened: Promise<void>
  readonly #options: TunnelOptions
  readonly #socket: DualSocket
  readonly #fresh: FreshSockets
  readonly #machine: TunnelMachine
  readonly #loop: Loop<TunnelInput, TunnelEffect>
  readonly #streams: Streams
  /** While UDP is dropped here. */
  #carriers: readonly Carrier[] = []
  #open!: { resolve(): void; reject(error: StraightwayError): void }
  #remote: Address | undefined
  /** Number of the socket that the path goes through. */
  #through = 0
  #mapped: Address | undefined
  #unmap: (() => void) | undefined
  #closing: Promise<void> | undefined

  constructor(options: TunnelOptions) {
    this.peer = options.plan.peer
    this.#options = options
    this.opened = new Promise((resolve, reject) => {
      this.#open = { resolve, reject }
    })
    this.opened.catch(() => {})
    this.#socket = options.socket ?? new DualSocket()
    this.#socket.receive = (bytes, words) => this.#loop.receive(bytes, words, 0)
    this.#fresh = new FreshSockets((bytes, words, number) => this.#loop.receive(bytes, words, number))
    const { keys, direction, expected, terms } = options.plan
    const { stun, scatter = true, udpBlocked = false, nat } = options
    const localPort = this.#socket.ports.four ?? this.#socket.ports.six!
    const own = { seed: randomBytes(32), candidates: this.#candidates(), localPort, now: now() }
    this.#machine = new TunnelMachine({
      ...own,
      keys,
      direction,
      expected,
      terms,
      stun,
      scatter,
      udpBlocked,
      nat,
    })
    if (udpBlocked) this.#carry()
    this.#loop = drive(this.#machine, {
      send: (batch, i) => this.#send(batch, i),
      perform: (effect) => this.#perform(effect),
      fault: options.fault,
    })
    this.#streams = new Streams({
      signals: {
        open: (stream, key, name) => this.#loop.handle({ kind: 'openStream', stream, key, name }),
        accept: (stream, accepter) => this.#loop.handle({ kind: 'acceptStream', stream, accepter }),
        refuse: (stream, reason) =>
          this.#loop.handle({ kind: 'refuseStream', stream, ...(reason && { reason }) }),
      },
      route: () => this.#remote && this.#route(this.#remote),
      offered: (stream, answer) => this.listener.stream(stream, answer),
      active: (active) => this.#loop.handle({ kind: 'streaming', active }),
    })
  }

  /** Call it once it has a listener. */
  begin(): void {
    this.#loop.tick()
  }

  /** The other side has the offer. */
  approach(direction: Direction): void {
    this.#loop.handle({ kind: 'approach', direction })
  }

  /** The other side wants it too. False where it wants other paths: this one is for those that it began with. */
  agree({ keys, direction, expected, terms }: Agreement): boolean {
    if (terms.paths !== this.#options.plan.terms.paths) return false
    this.#loop.handle({ kind: 'agreed', keys, direction, expected, terms })
    return true
  }

  get status(): TunnelStatus {
    return this.#machine.status
  }

  /** Where datagrams go now. */
  get remote(): Address | undefined {
    return this.#remote
  }

  get ports(): { readonly four: number | undefined; readonly six: number | undefined } {
    return this.#socket.ports
  }

  send(bytes: Uint8Array): void {
    this.#loop.handle({ kind: 'send', bytes })
  }

  openStream(options: OpenOptions): Promise<TunnelStream> {
    return this.#streams.open(options)
  }

  rejoin(direction: Direction): void {
    this.#loop.handle({ kind: 'rejoin', direction })
  }

  /** UDP is dropped here from now on, or works. */
  setUdp(blocked: boolean): void {
    this.#uncarry()
    if (blocked) this.#carry()
    this.#loop.handle({ kind: 'udp', blocked })
    this.#streams.moved()
  }

  networkChanged(): void {
    this.#loop.handle({ kind: 'networkChanged', candidates: this.#candidates() })
  }

  /** Brings over what streams that ended still have on the way, and tells the other side. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FLUSH_MS)
    })
    await Promise.race([this.#streams.flushed(), late])
    clearTimeout(timer)
    this.#loop.handle({ kind: 'close' })
  }

  #carry(): void {
    this.#carriers = this.#options.carry?.((bytes, words) => this.#loop.receive(bytes, words, 0)) ?? []
  }

  #uncarry(): void {
    for (const carrier of this.#carriers) carrier.close()
    this.#carriers = []
  }

  #send(batch: Batch, i: number): void {
    const [number, at] = [batch.socket[i]!, i * ADDRESS_WORDS]
    const isCarried = this.#carriers.some((carrier) => carrier.send(batch.address, at, batch.at(i)))
    if (!isCarried) this.#socketAt(number)?.send(batch, i)
  }

  #route({ words }: Address): Destination | undefined {
    for (const carrier of this.#carriers) {
      const destination = carrier.destination?.(words)
      if (destination !== undefined) return destination
    }
    return this.#socketAt(this.#through)?.destination(words)
  }

  #candidates(): Candidate[] {
    const hosts = hostAddresses(this.#socket.ports, this.#options.ips?.()).map(
      (address) => ({ kind: 'host', address }) as const,
    )
    return this.#mapped === undefined ? hosts : [{ kind: 'mapped', address: this.#mapped }, ...hosts]
  }

  /** Not where the nodes are on this machine, nor where no direct path is wanted. */
  get #isGatewayOnTheWay(): boolean {
    const { stun, plan } = this.#options
    return plan.terms.paths !== 'relay-only' && stun.some(({ primary }) => !isLoopback(primary.words))
  }

  #perform(effect: TunnelEffect): void {
    switch (effect.kind) {
      case 'path':
        this.#onPath(effect.remote, effect.socket)
        break
      case 'datagram':
        this.listener.datagram(effect.bytes, effect.from)
        break
      case 'streamOpen':
        this.#streams.opened(effect.stream, effect.key, effect.name)
        break
      case 'streamAccepted':
        this.#streams.accepted(effect.stream, effect.accepter)
        break
      case 'streamRefused':
        this.#streams.refused(effect.stream, effect.reason)
        break
      case 'rejoin':
        this.#options.rejoin()
        break
      case 'closed':
        this.#closed(effect.end, effect.whyNotDirect)
        break
      case 'openSockets':
        this.#openSockets(effect.count, effect.alone)
        break
      case 'closeSockets':
        SCATTER_TURN.give(this)
        this.#fresh.closeAllBut(effect.keep)
        break
      case 'surveyed':
        this.#options.surveyed?.(effect.nat)
        break
      case 'mapPort':
        this.#mapPort()
        break
      case 'interrupted':
      case 'released':
        break
    }
  }

  #mapPort(): void {
    const { map } = this.#options
    const { four } = this.#socket.ports
    if (this.#unmap !== undefined || map === undefined || four === undefined || !this.#isGatewayOnTheWay)
      return
    this.#unmap = map(four, (external) => {
      this.#mapped = external
      this.#loop.handle({ kind: 'candidates', candidates: this.#candidates() })
    })
  }

  #openSockets(count: number, wantsTurn: boolean): void {
    const alone = wantsTurn && SCATTER_TURN.take(this)
    this.#loop.handle({ kind: 'sockets', ports: this.#fresh.open(wantsTurn && !alone ? 0 : count), alone })
  }

  #socketAt(number: number): DualSocket | undefined {
    return number === 0 ? this.#socket : this.#fresh.at(number)
  }

  /** Told too when only the reason for a relayed path changed. */
  #onPath(remote: Address, through: number): void {
    const same = this.#remote !== undefined && sameAddress(this.#remote.words, 0, remote.words, 0)
    const moved = !same || through !== this.#through
    this.#remote = remote
    this.#through = through
    if (moved) this.#streams.moved()
    this.#open.resolve()
    this.listener.path()
  }

  #closed(end: TunnelEnd, whyNotDirect: WhyNotDirect | undefined): void {
    this.#loop.close()
    this.#uncarry()
    this.#unmap?.()
    this.#streams.close(end === 'closed' ? undefined : new StraightwayError('closed', ENDS[end]))
    SCATTER_TURN.give(this)
    this.#fresh.closeAllBut([])
    void this.#socket.close()
    this.#closing ??= Promise.resolve()
    this.#open.reject(failure(end, whyNotDirect))
    this.#options.closed()
    this.listener.closed(end)
  }
}

const ENDS: Readonly<Record<TunnelEnd, string>> = {
  closed: 'The tunnel was closed.',
  closedByOther: 'The other side closed the tunnel.',
  noDirectPath: 'There is no direct path, and only a direct one was wanted.',
  unreachable: 'The other side cannot be reached, neither directly nor over a relay.',
}

/** Why a tunnel never opened, with what can be done about it. */
function failure(end: TunnelEnd, why: WhyNotDirect | undefined): StraightwayError {
  const isOver = end === 'closed' || end === 'closedByOther'
  const advice = isOver || why === undefined ? '' : ` ${why}: ${WHY_NOT_DIRECT[why].advice}`
  return new StraightwayError(isOver ? 'closed' : 'timeout', `${ENDS[end]}${advice}`)
}
