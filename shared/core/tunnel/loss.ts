/**
 * How many packets a path loses, lately, by its probes. Only probes that were sent in their turn count: repeats come after
 * one was lost, and an outage of a second would weigh as ten losses. Whether one was lost shows when a later one is answered,
 * so a path that falls silent for good is no lossy one.
 *
 * A few probes say little: `atLeast` and `atMost` are three standard deviations from what they say.
 */

/** Of the mean, what a new probe weighs: the last half minute of a path in use. */
const WEIGHT = 1 / 32
/** As many probes say as much, for a mean that forgets so. */
const MOST = 2 / WEIGHT - 1
const DEVIATIONS = 3

export class Loss {
  #share = 0
  #count = 0
  /** Number of the probe that is asked about; 0 none. */
  #asked = 0

  /** 0 to 1. */
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

  /** Any probe of the path was answered. One that left before says nothing of this one. */
  answered(id: number): void {
    if (this.#asked === 0 || id < this.#asked) return
    const lost = id === this.#asked ? 0 : 1
    this.#asked = 0
    this.#count++
    this.#share += Math.max(WEIGHT, 1 / this.#count) * (lost - this.#share)
  }

  /** After Laplace: nothing lost of few is not nothing. */
  get #deviation(): number {
    const count = Math.min(this.#count, MOST)
    if (count === 0) return 1
    const likely = (this.#share * count + 1) / (count + 2)
    return DEVIATIONS * Math.sqrt((likely * (1 - likely)) / count)
  }
}

/** A probe is lost when it or its answer is. */
const oneWay = (share: number): number => 1 - Math.sqrt(1 - share)
