import type { Batch } from '../wire/batch.ts'
import type { Wall } from './wall.ts'

/**
 * The contract of every protocol machine (sans-IO): a function of bytes, time and seed.
 *
 * A machine holds no socket, clock, timer or source of randomness, and nothing in it is async. Its driver
 *   1. calls `receive`, `handle` or `tick`, always with the present time, and an `out` batch to append datagrams to;
 *   2. then sends what is in `out`, and takes effects with `poll` until it returns undefined;
 *   3. then waits for a datagram, an input, or `deadline()`, whichever is first.
 * Time is in milliseconds. It starts at the epoch time of the driver's start, never runs backwards, and may jump. A datagram
 * that cannot be decoded is counted and dropped. No input makes a machine throw.
 */
export interface Machine<Input = never, Effect = never> {
  /** The wall clock, if the machine judges timestamps of others. The driver sets it before each call. */
  readonly wall?: Wall
  /** Takes received datagrams, in order. */
  receive(arrived: Batch, out: Batch, now: number): void
  /** Takes an input from outside: a reply to an effect, or a call of the application. */
  handle(input: Input, out: Batch, now: number): void
  /** Does what is due at `now`. Calling it early or twice does no harm. */
  tick(out: Batch, now: number): void
  /** Time at which `tick` has work next; Infinity if never. */
  deadline(): number
  /** The next effect to carry out; undefined if none is left. */
  poll(): Effect | undefined
}
