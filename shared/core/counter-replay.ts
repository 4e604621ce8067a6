import { ReplayWindow, WINDOW } from '../crypto/replay-window.ts'

/** What a ReplayWindow counts up to. */
const SPAN = 2 ** 31

/**
 * Which counters of one sender came before. The counters grow with time; the first that comes is where the window begins,
 * and when it is full the next one begins above it, so that nothing that was read in the last one is read again.
 */
export class CounterReplay {
  #base = -1
  #window = new ReplayWindow()

  /** True once for each counter. */
  accept(counter: number): boolean {
    if (this.#base < 0) this.#base = Math.max(0, counter - WINDOW)
    else if (counter - this.#base >= SPAN) this.#begin(counter)
    if (counter < this.#base || !this.#window.isFresh(counter - this.#base)) return false
    this.#window.mark(counter - this.#base)
    return true
  }

  #begin(base: number): void {
    this.#base = base
    this.#window = new ReplayWindow()
  }
}
