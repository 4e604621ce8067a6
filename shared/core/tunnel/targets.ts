/**
 * Probes the addresses at which others say that the other side is: those that a HANDSHAKE orders in a step, and the one
 * at which a CHECKPOINT has seen it sign in. Counts what that costs.
 */
import { LIMITS } from '../../limits.ts'
import type { Batch } from '../../wire/batch.ts'
import type { StepKind } from '../../wire/handshake.ts'
import type { Effort } from './events.ts'
import { JUST_PROBED_MS, namedCredit, TRIES } from './path.ts'
import type { PathBook } from './path-book.ts'
import type { Probes } from './probes.ts'

export class Targets {
  readonly #book: PathBook
  readonly #probes: Probes
  readonly #directAllowed: boolean
  #technique: StepKind | undefined
  #packets = 0

  constructor(book: PathBook, probes: Probes, directAllowed: boolean) {
    this.#book = book
    this.#probes = probes
    this.#directAllowed = directAllowed
  }

  /** The technique begun last, and the number of probes sent, without the full-sized ones beside small ones. */
  get effort(): Effort {
    const technique = this.#technique
    return { packets: this.#packets, ...(technique !== undefined && { technique }) }
  }

  begin(technique: StepKind): void {
    this.#technique = technique
  }

  /**
   * Sends a full-sized probe to the expected address of the other side. Small ones follow it while none is answered.
   */
  greet(words: Uint32Array, socket: number, out: Batch, now: number): boolean {
    const path = this.#book.reach('direct', words, 0, socket, now)
    if (path?.state !== 'candidate') return false
    path.tries = TRIES.candidate
    return this.#counted(this.#probes.send(path, false, out, now, 0, LIMITS.datagramBytes))
  }

  /** Sends one probe of a step. */
  probe(words: Uint32Array, socket: number, ttl: number, out: Batch, now: number): boolean {
    const path = this.#book.reach('direct', words, 0, socket, now)
    return path?.state === 'candidate' && this.#counted(this.#probes.send(path, false, out, now, ttl))
  }

  /**
   * Sends a full-sized probe to an address at which the other side is known to be: its answer makes the path fit
   * immediately.
   */
  probeInFull(words: Uint32Array, socket: number, out: Batch, now: number): void {
    const path = this.#book.reach('direct', words, 0, socket, now)
    if (path?.state === 'candidate') this.#probes.send(path, false, out, now, 0, LIMITS.datagramBytes)
  }

  /**
   * Sends a probe to an address that probably belongs to nobody. No path is made for it: the path comes from what the
   * other side sends in return.
   */
  strew(words: Uint32Array, socket: number, ttl: number, out: Batch, now: number): boolean {
    if (this.#directAllowed) this.#probes.strew({ words, socket }, ttl, out, now)
    return this.#counted(this.#directAllowed)
  }

  /** True if a probe that may reach the other side was just sent to this address. */
  isUnderWay(words: Uint32Array, socket: number, now: number): boolean {
    const path = this.#book.find(words, 0, socket)
    return path !== undefined && now - path.probedAt < JUST_PROBED_MS
  }

  /**
   * Prepares a target of a new step: renews its credit, revives an abandoned path, and lets an open path be probed in
   * full size again.
   */
  renew(words: Uint32Array, socket: number, now: number): void {
    const path = this.#book.reach('direct', words, 0, socket, now)
    if (path === undefined) return
    path.credit = namedCredit()
    if (path.state === 'gone') path.state = 'candidate'
    if (path.state === 'open') path.tries = TRIES.fit
  }

  #counted(sent: boolean): boolean {
    if (sent) this.#packets++
    return sent
  }
}
