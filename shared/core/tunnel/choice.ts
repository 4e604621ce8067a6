/**
 * Chooses the path that this side sends on. Each side chooses for itself and accepts packets from every path. The replay
 * window drops duplicates, so a change of path neither loses nor repeats a packet. `path-choice.ts` has the rules.
 */
import { isLeaving, type Path, silentAt, suspectAt } from './path.ts'
import type { PathBook } from './path-book.ts'
import { isBetter, isLossy, rests } from './path-choice.ts'

/** Packets that were on their way on a replaced path have arrived after this time. */
const ARRIVED_MS = 2000

/** `isUrgent`: no path was in use before, or a suspect one, so that data may have been lost. */
export interface Chosen {
  readonly path: Path
  readonly isUrgent: boolean
}

export class Choice {
  readonly #book: PathBook
  #active: Path | undefined
  /** Time at which the path in use was chosen. */
  #chosenAt = Number.NEGATIVE_INFINITY
  #directDied = false
  #deathTold = true
  #silent = false

  constructor(book: PathBook) {
    this.#book = book
  }

  /** The path in use. */
  get active(): Path | undefined {
    return this.#active
  }

  /** True if the direct path in use died and no other direct path has replaced it. */
  get directDied(): boolean {
    return this.#directDied
  }

  /** True once for each direct path that died, unless another direct path has replaced it. */
  takeDeath(): boolean {
    const isNew = this.#directDied && !this.#deathTold
    this.#deathTold = true
    return isNew
  }

  /** True if data goes directly and much of it is lost, so that a relay may be better. */
  get lossy(): boolean {
    return this.#active?.kind === 'direct' && isLossy(this.#active)
  }

  /** True if data goes over a relay although a direct path exists. */
  get relayBetter(): boolean {
    return this.#active?.kind === 'relayed' && [...this.#book].some(rests)
  }

  /** True if the path in use had not answered its probes for some time at the last `listen`. */
  get silent(): boolean {
    return this.#silent
  }

  /** Finds out whether the path in use is silent by now. */
  listen(now: number): boolean {
    this.#silent = this.#active !== undefined && now >= silentAt(this.#active)
    return this.#silent
  }

  suspect(now: number): boolean {
    return this.#active !== undefined && now >= suspectAt(this.#active)
  }

  /** The path that may take over. */
  get spare(): Path | undefined {
    return this.#book.fitBeside(this.#active)
  }

  /** Gives up a path that has died or whose relay is gone, if it is in use. */
  lose(path: Path): void {
    if (path !== this.#active) return
    if (path.kind === 'direct') {
      this.#directDied = true
      this.#deathTold = false
    }
    this.#active = undefined
  }

  /** True if another path has replaced this one, and packets still on their way have arrived. */
  isLeft(path: Path, now: number): boolean {
    const isReplaced = this.#active?.kind === 'direct' && !isLeaving(this.#active, now)
    return isLeaving(path, now) && isReplaced && now >= this.#chosenAt + ARRIVED_MS
  }

  /**
   * Chooses again. Undefined if nothing changes. If no path is in use, begins with a relay: a direct path that was left
   * for a relay stays left when another relay takes over.
   */
  review(now: number): Chosen | undefined {
    let best = this.#active ?? this.#book.relayed
    for (const path of this.#book) {
      if (path.state === 'fit' && isBetter(path, best, now)) best = path
    }
    if (best === undefined || best === this.#active) return undefined
    const isUrgent = this.#active === undefined || this.suspect(now)
    this.#active = best
    this.#chosenAt = now
    if (best.kind === 'direct') this.#directDied = false
    return { path: best, isUrgent }
  }
}
