/** Promises for the calls of an endpoint: each settles when the endpoint says what became of it, or at the end of the peer. */
import type { EndpointEffect, EndpointInput } from '../shared/core/peer/events.ts'
import type { StraightwayError } from '../shared/errors.ts'
import type { PeerId, TunnelId } from '../shared/ids.ts'
import { LIMITS } from '../shared/limits.ts'
import type { Paths } from '../shared/paths.ts'
import { checkFunction, checkInteger, checkOptions, checkSignal, checkText, MOST_MS } from './arguments.ts'
import { type AcceptOptions, checkTerms } from './offer.ts'
import { callFailure } from './outcomes.ts'
import { PeerSocket } from './peer-socket.ts'
import { Pending } from './pending.ts'
import type { TunnelHost } from './tunnel-host.ts'

const TIMEOUT_MS = 30_000

/** How a tunnel is asked for. */
export interface ConnectOptions {
  /** What it is for; the other application decides by it. At most LIMITS.intentBytes. */
  readonly intent?: string
  /** Datagrams authenticated and not encrypted, if the other side accepts so too. Streams are always encrypted. */
  readonly clear?: boolean
  /** `auto` (default): a relay at once, a direct path as soon as there is one. */
  readonly paths?: Paths
  /** Until data can flow, the other side's decision included. Default: 30 s. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** The other side has the offer, and has not decided yet. Called once at most, and not if it decides within a few milliseconds. */
  readonly ringing?: () => void
}

/** Throws `bad-request` or `too-large`. */
export function checkConnectOptions(options: ConnectOptions): void {
  checkOptions(options)
  const { intent = '', timeoutMs, signal, ringing } = options
  checkText(intent, 'intent', LIMITS.intentBytes)
  checkTerms(options)
  checkInteger(timeoutMs, 'timeoutMs', 1, MOST_MS)
  checkSignal(signal)
  checkFunction(ringing, 'ringing')
}

export interface CallsOptions {
  readonly handle: (input: EndpointInput) => void
  readonly tunnels: TunnelHost
}

export class Calls {
  readonly #options: CallsOptions
  readonly #outgoing = new Pending<PeerSocket>()
  readonly #ringing = new Map<number, () => void>()
  readonly #incoming = new Map<TunnelId, number>()
  readonly #accepted = new Pending<PeerSocket>()
  /** Of tunnels that both sides want, until data can flow. */
  readonly #sockets = new Map<TunnelId, PeerSocket>()

  constructor(options: CallsOptions) {
    this.#options = options
  }

  async connect(to: PeerId, options: ConnectOptions): Promise<PeerSocket> {
    const { intent = '', clear = false, paths = 'auto', timeoutMs = TIMEOUT_MS, signal, ringing } = options
    const stop = (call: number) => this.#options.handle({ kind: 'stop', id: call })
    const { id, answer } = this.#outgoing.open(signal, stop)
    if (ringing !== undefined) this.#ringing.set(id, ringing)
    this.#options.handle({ kind: 'connect', id, to, intent, terms: { clear, paths }, timeoutMs })
    try {
      return await answer
    } finally {
      this.#ringing.delete(id)
    }
  }

  accept(tunnel: TunnelId, { clear = false, paths = 'auto' }: AcceptOptions): Promise<PeerSocket> {
    const { id, answer } = this.#accepted.open()
    this.#incoming.set(tunnel, id)
    this.#options.handle({ kind: 'accept', tunnel, terms: { clear, paths } })
    return answer
  }

  refuse(tunnel: TunnelId, reason: string): void {
    this.#options.handle({ kind: 'refuse', tunnel, reason })
  }

  ringing(id: number): void {
    this.#ringing.get(id)?.()
  }

  /** Both sides want it: there is a socket, which hears all of it. */
  agreed({ tunnel, peer }: Extract<EndpointEffect, { kind: 'agreed' }>): void {
    this.#sockets.set(tunnel, new PeerSocket(this.#options.tunnels.add(tunnel, peer)))
  }

  opened({ tunnel, id }: Extract<EndpointEffect, { kind: 'opened' }>): void {
    const socket = this.#sockets.get(tunnel)!
    this.#sockets.delete(tunnel)
    if (id !== undefined) this.#outgoing.resolve(id, socket)
    else this.#accepted.resolve(this.#takeIncoming(tunnel), socket)
  }

  failed({ tunnel, id, why }: Extract<EndpointEffect, { kind: 'failed' }>): void {
    this.#sockets.delete(tunnel)
    if (id !== undefined) this.#outgoing.reject(id, callFailure(why))
    else this.#accepted.reject(this.#takeIncoming(tunnel), callFailure(why))
  }

  /** The endpoint failed at it. */
  broken(input: EndpointInput, error: StraightwayError): void {
    if (input.kind === 'connect') this.#outgoing.reject(input.id, error)
    else if (input.kind === 'accept') this.#accepted.reject(this.#takeIncoming(input.tunnel), error)
  }

  close(): void {
    this.#outgoing.close()
    this.#accepted.close()
  }

  #takeIncoming(tunnel: TunnelId): number {
    const id = this.#incoming.get(tunnel) ?? 0
    this.#incoming.delete(tunnel)
    return id
  }
}
