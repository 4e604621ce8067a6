import { ReplayWindow, WINDOW } from '../crypto/replay-window.ts'

/** Largest counter that a ReplayWindow accepts. */
const SPAN = 2 ** 31

/** No datagram that is judged by this is fresh for so long. */
const FORGOTTEN_MS = 60_000

/**
 * Which counters of one sender came before. The counters grow with time; the first that comes is where the window begins,
 * and when it is full the next one begins above it, so that nothing that was read in the last one is read again.
 *
 * A sender whose clock was ahead counts from further down when that is mended. It is heard again FORGOTTEN_MS after the
 * last datagram that was accepted: none that came before is fresh any more.
 */
export class CounterReplay {
  #base = -1
  #window = new ReplayWindow()
  #acceptedAt = 0

  /** True once for each counter. */
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
