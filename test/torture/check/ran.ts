/**
 * How long the machine ran between two moments: without the times for which a process of the run waited for the processor.
 * Promises about time are checked by it.
 */
import type { Entry } from '../history.ts'

interface Gap {
  readonly from: number
  readonly to: number
}

export class Ran {
  readonly #gaps: readonly Gap[]

  constructor(entries: readonly Entry[]) {
    this.#gaps = entries.flatMap((entry) =>
      entry.kind === 'starved' ? [{ from: entry.at - entry.ms, to: entry.at }] : [],
    )
  }

  /** Milliseconds. */
  between(from: number, to: number): number {
    let ran = to - from
    for (let i = this.#firstAfter(from); i < this.#gaps.length && this.#gaps[i]!.from < to; i++) {
      const gap = this.#gaps[i]!
      ran -= Math.max(0, Math.min(to, gap.to) - Math.max(from, gap.from))
    }
    return ran
  }

  /** Place of the first gap that ends after this time. Gaps are in the order of time. */
  #firstAfter(at: number): number {
    let [low, high] = [0, this.#gaps.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#gaps[middle]!.to > at) high = middle
      else low = middle + 1
    }
    return low
  }
}
