/**
 * The wall clock, as a machine knows it: an offset from `now`.
 *
 * `now` is for whatever the machine itself times. Only what another machine has dated (a ticket, a grant, a datagram
 * between nodes) is judged by the wall clock. So a wall clock that was wrong, in either direction, ends no session, fires
 * no timer, and is forgotten with the next correction.
 */
export class Wall {
  /** How far the wall clock is ahead of `now`. The driver of the machine keeps it up to date. */
  aheadMs = 0

  /** Converts a moment of the machine to wall-clock time, epoch milliseconds. */
  at(now: number): number {
    return now + this.aheadMs
  }
}
