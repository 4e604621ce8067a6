/** What clocks of different machines may differ by, beside one part in DRIFT. */
const SLACK_SECONDS = 2
const DRIFT = 16

/**
 * Watches the seconds that a router says have passed since it last lost its mappings: RFC 6887 section 8.5, which is the
 * rule of RFC 6886 section 3.6 made stricter.
 */
export class Epoch {
  #seconds = 0
  #heardAt: number | undefined

  /** False where the router has lost its mappings since it was last heard. */
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
