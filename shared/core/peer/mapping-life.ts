/**
 * How far apart keep-alives may be. While UDP is dropped: as seldom as a node takes them, as each costs four messages of
 * the gateway. Otherwise half of what the NAT keeps an idle mapping, measured in the background on two sockets of its own,
 * once in each network. It takes minutes, most of them silent.
 */
import type { Batch } from '../../wire/batch.ts'
import { Hosted } from './hosted.ts'
import { Lifetime, type LifetimeResult } from './lifetime.ts'
import type { Part } from './socket-book.ts'
import type { Surroundings } from './surroundings.ts'

const CARRIED_INTERVAL_MS = 55_000
const NEVER = Number.POSITIVE_INFINITY

type State =
  | { readonly kind: 'unknown' }
  /** Its sockets are on the way. */
  | { readonly kind: 'opening'; readonly sockets: readonly number[] }
  | { readonly kind: 'measuring'; readonly hosted: Hosted<never, LifetimeResult> }
  | { readonly kind: 'known' }

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

  /** The peer is online: has its interval found out, unless it is known. */
  want(): void {
    if (this.#around.udpBlocked) this.#tell(CARRIED_INTERVAL_MS)
    else if (this.#state.kind === 'unknown' && this.#around.stun.length > 0)
      this.#state = { kind: 'opening', sockets: this.#around.book.open(this, [0, 1], 'own') }
  }

  /** The network is another one. */
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
    const result = this.#state.kind === 'measuring' ? this.#state.hosted.poll(out, now) : undefined
    if (result === undefined) return
    this.forget()
    this.#state = { kind: 'known' }
    if (result.lifetimeMs !== undefined) this.#tell(result.lifetimeMs / 2)
  }
}
