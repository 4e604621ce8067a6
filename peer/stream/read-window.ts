/**
 * The window that a reader grants: how many bytes the writer may be ahead of it. It begins with WINDOW_BYTES and doubles, up to
 * WIDEST_BYTES, when the reader took a whole window within two round trips: then the window was the limit, and not the path
 * or the reader. So memory for a wide window is used only where it makes a stream faster.
 */
import { WINDOW_BYTES } from './frames.ts'

/** Enough for 640 Mbit/s at a round trip of 200 ms. */
export const WIDEST_BYTES = 16 << 20
/** The reader tells what it took for each quarter of the window: few frames, and the writer rarely has to wait. */
const TELLINGS = 4
/** A window taken within this many round trips was the limit. */
const ROUND_TRIPS = 2

export class ReadWindow {
  #size = WINDOW_BYTES
  #taken = 0
  #told = 0
  /** Place and time at which the present count of a window began. */
  #countedFrom = 0
  #countedAt = 0

  get size(): number {
    return this.#size
  }

  /** Bytes that the reader took in all. */
  get taken(): number {
    return this.#taken
  }

  /** Counts bytes that the reader took. Returns true if the writer is to be told. */
  took(bytes: number, roundTripMs: number, now: number): boolean {
    if (this.#taken === 0) this.#countedAt = now
    this.#taken += bytes
    const isWider = this.#taken - this.#countedFrom >= this.#size && this.#widens(roundTripMs, now)
    if (!isWider && this.#taken - this.#told < this.#size / TELLINGS) return false
    this.#told = this.#taken
    return true
  }

  /** Widens the window if it was the limit, and begins to count the next one. */
  #widens(roundTripMs: number, now: number): boolean {
    const wasLimit = now - this.#countedAt < ROUND_TRIPS * roundTripMs && this.#size < WIDEST_BYTES
    if (wasLimit) this.#size *= 2
    this.#countedFrom = this.#taken
    this.#countedAt = now
    return wasLimit
  }
}
