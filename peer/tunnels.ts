/**
 * How a peer comes to its sockets: it offers and is offered tunnels, and what both sides agreed on becomes a tunnel with a
 * socket on top. One that was offered gets ready while the other side decides. Tunnels are kept here while they live, so that
 * they can be led to a HANDSHAKE again.
 */
import type { Agreement, PeerEffect, PeerInput, Ringing } from '../shared/core/peer/events.ts'
import type { StunServer } from '../shared/core/tunnel/evidence.ts'
import { foresee, reply } from '../shared/core/tunnel/foresight.ts'
import type { NatClass } from '../shared/core/tunnel/nat-class.ts'
import { StraightwayError } from '../shared/errors.ts'
import type { PeerId, TunnelId } from '../shared/ids.ts'
import { LIMITS } from '../shared/limits.ts'
import type { Paths } from '../shared/paths.ts'
import { type Address, isLoopback } from '../shared/wire/address.ts'
import type { Direction, TunnelTerms } from '../shared/wire/offers.ts'
import { NatWatch } from './nat-watch.ts'
import type { Carry } from './net/carrier.ts'
import { DualSocket } from './net/dual-socket.ts'
import { hostIps } from './net/host-addresses.ts'
import { PortMapping } from './net/port-mapping.ts'
import type { AcceptOptions, HeardOffer } from './offer.ts'
import { offerRefusal } from './outcomes.ts'
import { PeerSocket } from './peer-socket.ts'
import { Pending } from './pending.ts'
import { Tunnel, type TunnelPlan } from './tunnel.ts'

const TIMEOUT_MS = 30_000

export interface ConnectOptions {
  /** What it is for; the other application decides by it. At most LIMITS.intentBytes. */
  readonly intent?: string
  /** Datagrams authenticated and not encrypted, if the other side accepts so too. Streams are always encrypted. */
  readonly clear?: boolean
  /** `auto` (default): a relay at once, a direct path as soon as there is one. */
  readonly paths?: Paths
  /** Until data can flow, the other side's decision included: 30 s without. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** The other side has the offer, and has not decided yet. Once, and not where it decides within a few milliseconds. */
  readonly ringing?: () => void
}

export interface TunnelsOptions {
  readonly handle: (input: PeerInput) => void
  readonly stun: () => readonly StunServer[]
  readonly scatter: boolean
  readonly carry: Carry
  readonly udpBlocked: () => boolean
  readonly fault: (error: unknown) => void
}

interface Made {
  readonly tunnel: Tunnel
  readonly socket: PeerSocket
  /** Both agreed on it, under this name. */
  readonly name: (agreement: Agreement) => void
}

interface Asking {
  readonly socket: DualSocket
  readonly ringing: (() => void) | undefined
  /** Unless the offer has come to nothing already. */
  made?: Made
}

export class Tunnels {
  readonly #options: TunnelsOptions
  readonly #mapping: PortMapping
  readonly #nat: NatWatch
  readonly #live = new Map<TunnelId, Tunnel>()
  #ips: readonly Address[] = hostIps()
  readonly #offered = new Pending<Made>()
  /** What is ready for an offer that is not decided yet, by its number. */
  readonly #asking = new Map<number, Asking>()
  readonly #accepted = new Pending<Made>()
  readonly #accepting = new Map<TunnelId, { readonly id: number; readonly socket: DualSocket }>()

  constructor(options: TunnelsOptions) {
    this.#options = options
    this.#mapping = new PortMapping(options.fault)
    this.#nat = new NatWatch(options.stun, options.fault)
  }

  async connect(to: PeerId, options: ConnectOptions = {}): Promise<PeerSocket> {
    const { intent = '', clear = false, paths = 'auto', timeoutMs = TIMEOUT_MS, signal, ringing } = options
    if (Buffer.byteLength(intent) > LIMITS.intentBytes)
      throw new StraightwayError('too-large', `An intent has at most ${LIMITS.intentBytes} bytes.`)
    const socket = new DualSocket()
    const { id, answer } = this.#offered.open()
    this.#asking.set(id, { socket, ringing })
    const patience = new Patience(timeoutMs, signal)
    try {
      const terms = { clear, paths }
      const foreseen = foresee(this.#natFor(paths), socket.ports.four ?? 0)
      this.#options.handle({ kind: 'offer', id, to, intent, terms, foreseen })
      this.#prepare(id, to, terms)
      return await opened(await patience.with(answer), patience)
    } catch (error) {
      this.#options.handle({ kind: 'withdraw', id })
      this.#offered.reject(id, error)
      this.#giveUp(id)
      throw error
    } finally {
      patience.end()
    }
  }

  async accept(
    { tunnel, terms, expected, forgiving }: HeardOffer,
    options: AcceptOptions,
  ): Promise<PeerSocket> {
    const { clear = false, paths = 'auto' } = options
    if (paths !== 'auto' && terms.paths !== 'auto' && paths !== terms.paths) {
      this.refuse(tunnel, 'paths')
      throw new StraightwayError(
        'refused',
        `The other side wants ${terms.paths}, this one ${paths}: refused.`,
      )
    }
    const socket = new DualSocket()
    const { id, answer } = this.#accepted.open()
    this.#accepting.set(tunnel, { id, socket })
    const { port, openingTtl } = reply(this.#natFor(paths), socket.ports.four ?? 0, expected, forgiving)
    if (openingTtl !== undefined) socket.open(expected, openingTtl)
    this.#options.handle({ kind: 'accept', tunnel, terms: { clear, paths }, port })
    return opened(await answer)
  }

  refuse(tunnel: TunnelId, reason: string): void {
    this.#options.handle({ kind: 'refuse', tunnel, reason })
  }

  /** The other side has our offer. */
  ringing({ id, direction }: Ringing): void {
    const asking = this.#asking.get(id)
    asking?.made?.tunnel.approach(direction)
    asking?.ringing?.()
  }

  /** Both sides want it. */
  agreed(agreement: Agreement): void {
    const { id, tunnel } = agreement
    const accepting = this.#accepting.get(tunnel)
    this.#accepting.delete(tunnel)
    const made = id === undefined ? this.#begun(agreement, accepting?.socket) : this.#ready(id, agreement)
    this.#live.set(tunnel, made.tunnel)
    if (id !== undefined) this.#offered.resolve(id, made)
    else if (accepting !== undefined) this.#accepted.resolve(accepting.id, made)
    made.tunnel.begin()
  }

  refused({ id, outcome, reason }: Extract<PeerEffect, { kind: 'refused' }>): void {
    this.#offered.reject(id, offerRefusal(outcome, reason))
  }

  rejoin(tunnel: TunnelId, direction: Direction): void {
    this.#live.get(tunnel)?.rejoin(direction)
  }

  /** What is on the way is looked at before the first tunnel. Nodes on this machine have no gateway. */
  prepare(): void {
    this.#ips = hostIps()
    if (this.#options.udpBlocked()) return
    this.#nat.look()
    if (this.#options.stun().some(({ primary }) => !isLoopback(primary.words))) this.#mapping.prepare()
  }

  /** Online for the first time since `prepare`: the nodes may not have been there then. */
  prepared(): void {
    if (!this.#options.udpBlocked()) this.#nat.ensure()
  }

  networkChanged(): void {
    this.#ips = hostIps()
    this.#mapping.networkChanged()
    if (!this.#options.udpBlocked()) this.#nat.look()
    for (const tunnel of this.#tunnels) tunnel.networkChanged()
  }

  /** UDP is dropped here from now on, or works. */
  setUdp(blocked: boolean): void {
    if (!blocked) this.prepare()
    for (const tunnel of this.#tunnels) tunnel.setUdp(blocked)
  }

  async close(): Promise<void> {
    this.#nat.close()
    this.#offered.close()
    this.#accepted.close()
    for (const { socket } of this.#accepting.values()) void socket.close()
    await Promise.all(this.#tunnels.map((tunnel) => tunnel.close()))
    await this.#mapping.close()
  }

  /** Those that both sides want, and those that are ready for it. */
  get #tunnels(): readonly Tunnel[] {
    const ready = [...this.#asking.values()].flatMap(({ made }) => made?.tunnel ?? [])
    return [...this.#live.values(), ...ready]
  }

  /** What is ready for terms that the other side would not have is of no use. */
  #ready(id: number, agreement: Agreement): Made {
    const asking = this.#asking.get(id)
    this.#asking.delete(id)
    const { made } = asking ?? {}
    made?.name(agreement)
    if (made?.tunnel.agree(agreement) === true) return made
    void made?.tunnel.close()
    return this.#begun(agreement, made === undefined ? asking?.socket : undefined)
  }

  #begun(agreement: Agreement, socket?: DualSocket): Made {
    const made = this.#make(agreement, socket)
    made.name(agreement)
    return made
  }

  #giveUp(id: number): void {
    const asking = this.#asking.get(id)
    this.#asking.delete(id)
    void (asking?.made?.tunnel ?? asking?.socket)?.close()
  }

  /** What a tunnel's socket has in front of it, as far as that is known and serves the tunnel. */
  #natFor(paths: Paths): NatClass | undefined {
    return paths === 'relay-only' || this.#options.udpBlocked() ? undefined : this.#nat.known
  }

  /** While the offer is on its way there is time. */
  #prepare(id: number, peer: PeerId, terms: TunnelTerms): void {
    const asking = this.#asking.get(id)
    if (asking !== undefined) asking.made = this.#make({ peer, terms }, asking.socket)
  }

  #make(plan: TunnelPlan, socket?: DualSocket): Made {
    let agreed: Agreement | undefined
    const tunnel = new Tunnel({
      plan,
      ips: () => this.#ips,
      ...(socket !== undefined && { socket }),
      stun: this.#options.stun(),
      scatter: this.#options.scatter,
      carry: this.#options.carry,
      udpBlocked: this.#options.udpBlocked(),
      nat: this.#nat.known,
      surveyed: (nat) => this.#nat.learned(nat),
      map: this.#mapping.map.bind(this.#mapping),
      rejoin: () => {
        if (agreed === undefined) return
        const { tunnel, peer, leg } = agreed
        this.#options.handle({ kind: 'rejoin', tunnel, peer, leg })
      },
      closed: () => {
        if (agreed !== undefined && this.#live.get(agreed.tunnel) === tunnel) this.#live.delete(agreed.tunnel)
      },
      fault: this.#options.fault,
    })
    const name = (agreement: Agreement) => {
      agreed = agreement
    }
    return { tunnel, socket: new PeerSocket(tunnel), name }
  }
}

async function opened({ tunnel, socket }: Made, patience?: Patience): Promise<PeerSocket> {
  try {
    await (patience === undefined ? tunnel.opened : patience.with(tunnel.opened))
    return socket
  } catch (error) {
    void tunnel.close()
    throw error
  }
}

/** Waits for things until a time is up or a signal says to stop. */
class Patience {
  readonly #over: Promise<never>
  #end!: () => void

  constructor(timeoutMs: number, signal: AbortSignal | undefined) {
    this.#over = new Promise((_, reject) => {
      const stop = () =>
        reject(new StraightwayError('closed', 'The attempt was stopped.', { cause: signal?.reason }))
      const late = () => reject(new StraightwayError('timeout', `Nothing was agreed on in ${timeoutMs} ms.`))
      const timer = setTimeout(late, timeoutMs)
      signal?.addEventListener('abort', stop)
      if (signal?.aborted) stop()
      this.#end = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', stop)
      }
    })
    this.#over.catch(() => {})
  }

  with<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#over])
  }

  end(): void {
    this.#end()
  }
}
