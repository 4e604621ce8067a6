/** Tolerated difference between the clocks, in seconds, besides one part in DRIFT. */
const SLACK_SECONDS = 2
const DRIFT = 16

/**
 * Watches the time that a router reports since it last lost its mappings. The rule is RFC 6887 section 8.5, a stricter
 * form of RFC 6886 section 3.6.
 */
export class Epoch {
  #seconds = 0
  #heardAt: number | undefined

  /** False if the router has lost its mappings since the last call. */
  heard(seconds: number, now: number): boolean {
    const here = this.#heardAt === undefined ? 0 : (now - this.#heardAt) / 1000
    const there = this.#heardAt === undefined ? 0 : seconds - this.#seconds
    this.#seconds = seconds
    this.#heardAt = now
    if (there < -1) return false
    return keepsUp(there, here) && keepsUp(here, there)
  }
}

const keepsUp = (clock: number, withClock: number): boolean =>
  clock + SLACK_SECONDS >= withClock - withClock / DRIFT
