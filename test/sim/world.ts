/**
 * A world in virtual time, with one event queue, one seed and one trace. Nothing in it waits: an hour takes only as long as
 * its events take to run. Times are in milliseconds since the epoch, with fractions. A machine is given whole milliseconds of
 * its host's own clock.
 */
import { Dice } from './dice.ts'
import { Queue } from './queue.ts'
import { Trace } from './trace.ts'

/** Start of every world: late enough that 48-bit times have their upper bits set. */
const BEGINNING = Date.UTC(2027, 0, 1)

export class World {
  readonly seed: number
  readonly dice: Dice
  readonly trace = new Trace()
  /** Number of dropped packets, by reason. */
  readonly dropped = new Map<string, number>()
  readonly #queue = new Queue()
  #now = BEGINNING

  constructor(seed: number) {
    this.seed = seed
    this.dice = new Dice(String(seed))
  }

  get now(): number {
    return this.#now
  }

  at(time: number, run: () => void): void {
    this.#queue.plan(Math.max(time, this.#now), run)
  }

  after(delayMs: number, run: () => void): void {
    this.at(this.#now + delayMs, run)
  }

  /** Lets time pass. */
  pass(durationMs: number): void {
    const end = this.#now + durationMs
    while (this.#queue.next <= end) this.#step()
    this.#now = end
  }

  /** Lets time pass until the condition holds. False if it does not within `withinMs`. */
  until(condition: () => boolean, withinMs: number): boolean {
    const end = this.#now + withinMs
    while (!condition()) {
      if (this.#queue.next > end) {
        this.#now = end
        return condition()
      }
      this.#step()
    }
    return true
  }

  event(text: string): void {
    this.trace.event(this.#now, text)
  }

  drop(why: string): void {
    this.dropped.set(why, (this.dropped.get(why) ?? 0) + 1)
  }

  #step(): void {
    this.#now = Math.max(this.#now, this.#queue.next)
    this.#queue.take()?.()
  }
}
