import type { Batch } from '../../wire/batch.ts'
import type { Choice } from './choice.ts'
import type { Outbox } from './outbox.ts'
import type { RelayPaths } from './relay-paths.ts'

/** A direct path that fails early fails within this time; the relay is kept until then. */
const RELEASE_MS = 10_000
const never = Number.POSITIVE_INFINITY

/**
 * Keeps the relay ready while the direct path may fail, and releases it when both sides have been sending directly for
 * RELEASE_MS.
 */
export class RelayUpkeep {
  readonly #relays: RelayPaths
  readonly #choice: Choice
  readonly #outbox: Outbox
  /** Time since which both sides have been sending directly; Infinity if they do not. */
  #directSince = never
  #suspected = false

  constructor(relays: RelayPaths, choice: Choice, outbox: Outbox) {
    this.#relays = relays
    this.#choice = choice
    this.#outbox = outbox
  }

  /** Begins to count again: an attempt or a move begins, and may need the relay. */
  postpone(): void {
    this.#directSince = never
  }

  /**
   * A path that falls silent may mean that this side's NAT assigns other ports now. The relay must learn them before it
   * is needed.
   */
  ready(out: Batch, now: number): void {
    const isSuspect = this.#choice.suspect(now)
    if (isSuspect && !this.#suspected) this.#relays.rebind(out, now)
    this.#suspected = isSuspect
    this.#relays.tick(out, now)
  }

  release(out: Batch, now: number): void {
    const { active, lossy } = this.#choice
    const isSettled = active?.kind === 'direct' && active.otherHere && !this.#choice.suspect(now) && !lossy
    this.#directSince = isSettled ? Math.min(this.#directSince, now) : never
    if (now < this.#directSince + RELEASE_MS || !this.#relays.release(out, now)) return
    this.#outbox.put({ kind: 'released' })
  }

  deadline(): number {
    return Math.min(this.#relays.deadline(), this.#relays.alive ? this.#directSince + RELEASE_MS : never)
  }
}
