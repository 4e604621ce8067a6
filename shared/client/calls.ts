/** The calls of an endpoint as promises. Each settles when the endpoint reports the outcome, or when the peer is closed. */
import { checkFunction, checkInteger, checkOptions, checkSignal, checkText, MOST_MS } from '../arguments.ts'
import type { EndpointEffect, EndpointInput } from '../core/peer/events.ts'
import { callFailure } from '../core/peer/outcomes.ts'
import type { StraightwayError } from '../errors.ts'
import type { PeerId, TunnelId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import type { Paths } from '../paths.ts'
import { type AcceptOptions, checkTerms } from './offer.ts'
import { Pending } from './pending.ts'

const TIMEOUT_MS = 30_000

/** Options of `Peer.connect`. */
export interface ConnectOptions {
  /** Purpose of the tunnel, by which the other application decides. At most LIMITS.intentBytes. Default: empty. */
  readonly intent?: string
  /**
   * True if datagrams are authenticated but not encrypted. Applies only if the other side accepts with `clear` too.
   * Streams are always encrypted. Default: false.
   */
  readonly clear?: boolean
  /** Paths that this side accepts. `auto` (default): a relay immediately, and a direct path as soon as one opens. */
  readonly paths?: Paths
  /** Longest time until data can flow, including the other side's decision. Default: 30 s. */
  readonly timeoutMs?: number
  /** Aborts the attempt; the promise rejects with `closed`. */
  readonly signal?: AbortSignal
  /**
   * Called when the other side has the offer and has not decided yet. Called at most once, and not at all if it decides
   * within a few milliseconds.
   */
  readonly ringing?: () => void
}

/** Checks the options of `connect`. Throws `bad-request` or `too-large`. */
export function checkConnectOptions(options: ConnectOptions): void {
  checkOptions(options)
  const { intent = '', timeoutMs, signal, ringing } = options
  checkText(intent, 'intent', LIMITS.intentBytes)
  checkTerms(options)
  checkInteger(timeoutMs, 'timeoutMs', 1, MOST_MS)
  checkSignal(signal)
  checkFunction(ringing, 'ringing')
}

export interface CallsOptions<Socket> {
  readonly handle: (input: EndpointInput) => void
  /** Makes the socket of a tunnel that both sides agreed on. */
  readonly socketOf: (tunnel: TunnelId, peer: PeerId) => Socket
}

/** Opens and accepts the tunnels of an endpoint. */
export class Calls<Socket> {
  readonly #options: CallsOptions<Socket>
  readonly #outgoing = new Pending<Socket>()
  readonly #ringing = new Map<number, () => void>()
  readonly #incoming = new Map<TunnelId, number>()
  readonly #accepted = new Pending<Socket>()
  /** Sockets of agreed tunnels in which data cannot flow yet. */
  readonly #sockets = new Map<TunnelId, Socket>()

  constructor(options: CallsOptions<Socket>) {
    this.#options = options
  }

  async connect(to: PeerId, options: ConnectOptions): Promise<Socket> {
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

  accept(tunnel: TunnelId, { clear = false, paths = 'auto' }: AcceptOptions): Promise<Socket> {
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

  /** Makes the socket of a tunnel that both sides agreed on, so that it misses none of the tunnel's events. */
  agreed({ tunnel, peer }: Extract<EndpointEffect, { kind: 'agreed' }>): void {
    this.#sockets.set(tunnel, this.#options.socketOf(tunnel, peer))
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

  /** Rejects the promise of an input at which the endpoint threw. */
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
