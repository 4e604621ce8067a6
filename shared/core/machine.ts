import type { Batch } from '../wire/batch.ts'
import type { Wall } from './wall.ts'

/**
 * The contract of every protocol machine (sans-IO): a function of bytes, time and seed.
 *
 * A machine holds no socket, clock, timer or source of randomness, and nothing in it is async. Whoever drives it
 *   1. calls `receive`, `handle` or `tick`, always with the present time, and an `out` batch to append datagrams to;
 *   2. then sends what is in `out`, and takes effects with `poll` until it returns undefined;
 *   3. then waits for a datagram, an input, or `deadline()`, whichever is first.
 * Time is in milliseconds, began as those since the epoch, never runs backwards, and may jump. A datagram that is not
 * understood is counted and dropped: no input makes a machine throw.
 */
export interface Machine<Input = never, Effect = never> {
  /** Of a machine that judges what others have dated. Its driver sets it before each call. */
  readonly wall?: Wall
  /** Datagrams that arrived, in order. */
  receive(arrived: Batch, out: Batch, now: number): void
  /** Something from outside: a reply to an effect, a call of the application. */
  handle(input: Input, out: Batch, now: number): void
  /** Does what is due at `now`. Calling it early or twice does no harm. */
  tick(out: Batch, now: number): void
  /** When `tick` has something to do next; Infinity when never. */
  deadline(): number
  /** The next effect to carry out, undefined when there is none left. */
  poll(): Effect | undefined
}
