/**
 * The rule by which a tunnel ends by itself: it ends after a minute without any path and without a word of the other side, sooner if
 * the other side is known to be away, and when the other side has closed it.
 */
import type { TunnelEnd } from './events.ts'

/** A tunnel without any path for this long ends: the other side is gone. */
export const GIVE_UP_MS = 60_000
/**
 * A tunnel without a path ends this long after the notice that the other side is at no CHECKPOINT. A peer that changes
 * its network, or whose node died, has signed in again by then.
 */
const ABSENT_MS = 15_000
/** Time to wait for packets that the other side sent before it closed. */
const LAST_WORDS_MS = 500
const never = Number.POSITIVE_INFINITY

export class Lifetime {
  /** Time since which there is no path and nothing was received; Infinity otherwise. */
  #silentSince = never
  /** Time since which the other side is known to be at no CHECKPOINT; Infinity while it may be at one. */
  #absentSince = never
  /** The other side has closed: time at which this side ends too, as earlier packets may still arrive. */
  #closedAt = never
  #end: TunnelEnd | undefined

  /** Both sides have agreed: a path is expected from now on. */
  begin(now: number): void {
    this.#silentSince = now
  }

  /** A packet of the other side arrived. */
  heard(): void {
    this.#silentSince = never
    this.#absentSince = never
    this.#closedAt = never
  }

  /** There is no path any more. */
  interrupted(now: number): void {
    this.#silentSince = Math.min(this.#silentSince, now)
  }

  present(): void {
    this.#absentSince = never
  }

  absent(now: number): void {
    this.#absentSince = Math.min(this.#absentSince, now)
  }

  /**
   * The HANDSHAKE reports that the other side has closed. On a path that works, the other side sends CLOSE itself, so
   * this is ignored.
   */
  otherClosed(hasPath: boolean, now: number): void {
    if (!hasPath) this.end('closedByOther')
    else if (this.#silentSince !== never) this.#closedAt = now + LAST_WORDS_MS
  }

  /** Ends the tunnel. The first reason counts. */
  end(end: TunnelEnd): void {
    this.#end ??= end
  }

  /** True from a reason to end on. */
  get isOver(): boolean {
    return this.#end !== undefined
  }

  /** Why the tunnel has ended by now; undefined while it lives. */
  endedBy(now: number): TunnelEnd | undefined {
    if (now >= this.#closedAt) this.end('closedByOther')
    if (now >= this.#givenUpAt) this.end('unreachable')
    return this.#end
  }

  deadline(): number {
    return this.isOver ? never : Math.min(this.#givenUpAt, this.#closedAt)
  }

  get #givenUpAt(): number {
    const goneAt = Math.max(this.#silentSince, this.#absentSince) + ABSENT_MS
    return Math.min(this.#silentSince + GIVE_UP_MS, goneAt)
  }
}
