/**
 * Determines the interval of keep-alives. While UDP is dropped it is the longest that a node accepts, as each
 * keep-alive costs four messages of the gateway. Otherwise it is half the time for which the NAT keeps an idle mapping.
 * That is measured in the background on two extra sockets, once in each network, and takes minutes, most of them
 * silent. Meanwhile the interval is three quarters of the longest idle time survived so far: a NAT that forgets within
 * seconds would otherwise lose the session before the search has ended.
 */
import type { Batch } from '../../wire/batch.ts'
import { Hosted } from './hosted.ts'
import { Lifetime, type LifetimeResult } from './lifetime.ts'
import { CARRIED_INTERVAL_MS } from './pace.ts'
import type { Part } from './socket-book.ts'
import type { Surroundings } from './surroundings.ts'

/** Share of an idle time that was survived, while the search goes on and after its end. */
const SHARE = { survived: 0.75, measured: 0.5 } as const
/** A longer interval is not reported while the search goes on. */
const NORMAL_INTERVAL_MS = 25_000
const NEVER = Number.POSITIVE_INFINITY

type State =
  | { readonly kind: 'unknown' }
  /** The sockets are being opened. */
  | { readonly kind: 'opening'; readonly sockets: readonly number[] }
  | { readonly kind: 'measuring'; readonly hosted: Hosted<never, LifetimeResult> }
  /** Undefined if it could not be measured. */
  | { readonly kind: 'known'; readonly intervalMs: number | undefined }

export class MappingLife implements Part {
  readonly slot: number
  readonly #around: Surroundings
  readonly #tell: (intervalMs: number) => void
  #state: State = { kind: 'unknown' }

  constructor(slot: number, around: Surroundings, tell: (intervalMs: number) => void) {
    this.slot = slot
    this.#around = around
    this.#tell = tell
  }

  /** The peer has a new session: reports the interval, as soon as it is known. */
  want(): void {
    if (this.#around.udpBlocked) this.#tell(CARRIED_INTERVAL_MS)
    else if (this.#state.kind === 'known') this.#tellKnown(this.#state.intervalMs)
    else if (this.#state.kind === 'unknown' && this.#around.stun.length > 0)
      this.#state = { kind: 'opening', sockets: this.#around.book.open(this, [0, 1], 'own') }
  }

  /** The network is another one: forgets the measurement. */
  forget(): void {
    if (this.#state.kind === 'opening') this.#around.book.close(this.#state.sockets)
    if (this.#state.kind === 'measuring') this.#state.hosted.end()
    this.#state = { kind: 'unknown' }
  }

  opened(out: Batch, now: number): void {
    if (this.#state.kind !== 'opening') return
    const { book, random, stun, turn } = this.#around
    const { sockets } = this.#state
    if (stun.length === 0 || sockets.some((socket) => book.portsOf(socket) === undefined)) {
      this.forget()
      return
    }
    const machine = new Lifetime(stun[0]!.primary, random.fork('lifetime'))
    const hosted = new Hosted<never, LifetimeResult>({ machine, part: this, sockets, book, turn })
    this.#state = { kind: 'measuring', hosted }
    this.tick(out, now)
  }

  receive(arrived: Batch, from: number, to: number, out: Batch, now: number): void {
    if (this.#state.kind === 'measuring') this.#state.hosted.receive(arrived, from, to, out, now)
    this.#drain(out, now)
  }

  tick(out: Batch, now: number): void {
    if (this.#state.kind === 'measuring') this.#state.hosted.tick(out, now)
    this.#drain(out, now)
  }

  deadline(): number {
    return this.#state.kind === 'measuring' ? this.#state.hosted.deadline() : NEVER
  }

  #drain(out: Batch, now: number): void {
    while (this.#state.kind === 'measuring') {
      const result = this.#state.hosted.poll(out, now)
      if (result === undefined) return
      this.#learn(result)
    }
  }

  #learn({ kind, lifetimeMs }: LifetimeResult): void {
    const intervalMs = lifetimeMs && lifetimeMs * SHARE[kind]
    if (kind === 'survived') {
      if (lifetimeMs < NORMAL_INTERVAL_MS) this.#tellKnown(intervalMs)
      return
    }
    this.forget()
    this.#state = { kind: 'known', intervalMs }
    this.#tellKnown(intervalMs)
  }

  #tellKnown(intervalMs: number | undefined): void {
    if (intervalMs !== undefined) this.#tell(intervalMs)
  }
}
