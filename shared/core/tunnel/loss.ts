/**
 * Estimates the recent packet loss of a path from its probes. Only regular probes count, not repeats: a repeat follows
 * a loss, so an outage of a second would weigh as ten losses. A probe counts as lost when a later one is answered, so a
 * path that falls silent for good does not count as lossy.
 *
 * A few probes prove little: `atLeast` and `atMost` are three standard deviations from the estimate.
 */

/** Weight of a new probe in the mean: it covers the last half minute of a path in use. */
const WEIGHT = 1 / 32
/** Effective number of probes in a mean with this weight. */
const MOST = 2 / WEIGHT - 1
const DEVIATIONS = 3

export class Loss {
  #share = 0
  #count = 0
  /** Number of the regular probe that waits for its answer; 0 for none. */
  #asked = 0

  /** Estimated share of packets lost, one way: 0 to 1. */
  get share(): number {
    return oneWay(this.#share)
  }

  get atLeast(): number {
    return oneWay(Math.max(this.#share - this.#deviation, 0))
  }

  get atMost(): number {
    return oneWay(Math.min(this.#share + this.#deviation, 1))
  }

  asked(id: number): void {
    this.#asked = id
  }

  /** A probe of the path was answered. An answer to one sent before the regular probe says nothing about it. */
  answered(id: number): void {
    if (this.#asked === 0 || id < this.#asked) return
    const lost = id === this.#asked ? 0 : 1
    this.#asked = 0
    this.#count++
    this.#share += Math.max(WEIGHT, 1 / this.#count) * (lost - this.#share)
  }

  /** Uses Laplace's rule: no loss among a few probes does not mean no loss. */
  get #deviation(): number {
    const count = Math.min(this.#count, MOST)
    if (count === 0) return 1
    const likely = (this.#share * count + 1) / (count + 2)
    return DEVIATIONS * Math.sqrt((likely * (1 - likely)) / count)
  }
}

/** A probe is lost if it or its answer is lost. */
const oneWay = (share: number): number => 1 - Math.sqrt(1 - share)
