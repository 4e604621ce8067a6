/**
 * The clock of a process: a monotonic time for all timers, and the wall clock's offset from it for times that other machines
 * have set (`shared/core/wall.ts`).
 *
 *   the wall clock is set   `now` continues as before, and `aheadMs` follows. A difference of more than LEAP_MS is accepted
 *                           only after it has lasted for LASTING_MS, so one wrong reading changes nothing
 *   the machine slept       `now` leaps by the time that the machine slept, because every timer is overdue. The system's
 *                           uptime distinguishes sleep from a clock that was set
 */
import { uptimeMs } from './uptime.ts'

const LEAP_MS = 60_000
const LASTING_MS = 3000
/** Some systems report their uptime in whole seconds. */
const LEAST_SLEEP_MS = 2000

export interface Clock {
  /** Milliseconds that never run backwards. When the process starts they are epoch milliseconds. */
  now(): number
  /** How far the wall clock is ahead of `now`, in milliseconds. */
  readonly aheadMs: number
}

/** The time sources of a clock, in milliseconds. */
export interface ClockSources {
  wall(): number
  /** May stand still while the machine sleeps. */
  monotonic(): number
  /** Continues while the machine sleeps. Read only at the start and when the wall clock has leapt. */
  uptime(): number
}

const SYSTEM: ClockSources = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
  uptime: uptimeMs,
}

export class SteadyClock implements Clock {
  readonly #sources: ClockSources
  /** `now` minus the monotonic clock. */
  #base: number
  /** The uptime minus the monotonic clock. Grows by the time that the machine sleeps. */
  #uptimeBase: number
  #aheadMs = 0
  #leaptAt: number | undefined

  constructor(sources: ClockSources = SYSTEM) {
    this.#sources = sources
    const monotonic = sources.monotonic()
    this.#base = sources.wall() - monotonic
    this.#uptimeBase = sources.uptime() - monotonic
  }

  /** The offset as of the last call of `now`. */
  get aheadMs(): number {
    return this.#aheadMs
  }

  now(): number {
    const { wall, monotonic } = this.#sources
    const [told, at] = [wall(), monotonic()]
    if (Math.abs(told - this.#at(at) - this.#aheadMs) <= LEAST_SLEEP_MS) this.#believe(told, at)
    else this.#leap(told, at)
    return this.#at(at)
  }

  #at(monotonic: number): number {
    return Math.floor(this.#base + monotonic)
  }

  #believe(told: number, monotonic: number): void {
    this.#aheadMs = told - this.#at(monotonic)
    this.#leaptAt = undefined
  }

  #leap(told: number, monotonic: number): void {
    if (this.#leaptAt === undefined) this.#base += this.#sleptMs(monotonic)
    this.#leaptAt ??= monotonic
    const leapMs = Math.abs(told - this.#at(monotonic) - this.#aheadMs)
    if (leapMs <= LEAP_MS || monotonic - this.#leaptAt >= LASTING_MS) this.#believe(told, monotonic)
  }

  /** Returns how long the machine has slept since the last call that found a sleep. */
  #sleptMs(monotonic: number): number {
    const uptimeBase = this.#sources.uptime() - monotonic
    const sleptMs = uptimeBase - this.#uptimeBase
    if (sleptMs < LEAST_SLEEP_MS) return 0
    this.#uptimeBase = uptimeBase
    return sleptMs
  }
}

/** The clock of this process. */
export const clock: Clock = new SteadyClock()
export const now = (): number => clock.now()
