import type { Address } from '../../wire/address.ts'
import type { Step } from '../../wire/handshake.ts'
import type { Directed } from './directed.ts'
import { nextAt, RETRY_MS, type Situation } from './situation.ts'

/** One side proves a direct path one or two round trips before the other: the later side gets this long. */
const OTHER_WAY_MS = 1000
/** An attempt that reports nothing for this long is abandoned. */
const LONGEST_MS = 60_000
const never = Number.POSITIVE_INFINITY

export interface AttemptOptions {
  readonly directed: Directed
  readonly beganAt: number
  /** Expected address of the other side, which is probed once. */
  readonly expected?: Address | undefined
  /** The direction is too old: the attempt waits for a new one. */
  readonly awaitsDirection?: boolean
}

/** One attempt to find a direct path, from JOIN to OUTCOME. */
export class Attempt {
  readonly kind = 'attempt'
  readonly beganAt: number
  readonly awaitsDirection: boolean
  directed: Directed
  #expected: Address | undefined
  #byChance = false
  /** The other side has a direct path: time at which this side's attempt has failed if it has none. */
  #verdictAt = never

  constructor({ directed, beganAt, expected, awaitsDirection = false }: AttemptOptions) {
    this.directed = directed
    this.beganAt = beganAt
    this.awaitsDirection = awaitsDirection
    this.#expected = expected
  }

  /** True until the expected address was taken. */
  get greets(): boolean {
    return this.#expected !== undefined
  }

  takeExpected(): Address | undefined {
    const expected = this.#expected
    this.#expected = undefined
    return expected
  }

  /** True if the attempt has used a technique that depends on chance: repeated, it may succeed. */
  get byChance(): boolean {
    return this.#byChance
  }

  ordered({ kind }: Step): void {
    this.#byChance ||= kind === 'scatter'
  }

  /** The other side has a direct path. `isDirect`: so has this one. */
  otherSucceeded(isDirect: boolean, now: number): void {
    this.#verdictAt = isDirect ? now : now + OTHER_WAY_MS
  }

  /** True if the attempt is over because the other side has succeeded. */
  isOver(now: number): boolean {
    return now >= this.#verdictAt
  }

  /** True if it began less than RETRY_MS ago. */
  isFresh(now: number): boolean {
    return now - this.beganAt < RETRY_MS
  }

  /** Time at which another attempt replaces it. */
  nextAt(situation: Situation): number {
    return nextAt(situation, this.beganAt, this.beganAt + LONGEST_MS)
  }

  deadline(situation: Situation): number {
    return this.greets ? this.beganAt : Math.min(this.#verdictAt, this.nextAt(situation))
  }
}
