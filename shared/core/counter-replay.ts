import { ReplayWindow, WINDOW } from '../crypto/replay-window.ts'

/** Largest counter that a ReplayWindow accepts. */
const SPAN = 2 ** 31

/** Time after which no datagram judged by this class can still be fresh. */
const FORGOTTEN_MS = 60_000

/**
 * Detects replayed counters of one sender. The counters grow with time. The window begins at the first counter received. When
 * it is full, the next window begins above it, so no counter of the last window is accepted again.
 *
 * A sender whose clock was ahead sends lower counters once its clock is corrected. They are accepted again FORGOTTEN_MS after
 * the last accepted datagram, because no earlier datagram is fresh by then.
 */
export class CounterReplay {
  #base = -1
  #window = new ReplayWindow()
  #acceptedAt = 0

  /** Accepts a counter; true the first time only. */
  accept(counter: number, now: number): boolean {
    if (this.#base < 0 || now - this.#acceptedAt > FORGOTTEN_MS) this.#begin(Math.max(0, counter - WINDOW))
    else if (counter - this.#base >= SPAN) this.#begin(counter)
    if (counter < this.#base || !this.#window.isFresh(counter - this.#base)) return false
    this.#window.mark(counter - this.#base)
    this.#acceptedAt = now
    return true
  }

  #begin(base: number): void {
    this.#base = base
    this.#window = new ReplayWindow()
  }
}
