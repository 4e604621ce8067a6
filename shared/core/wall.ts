/**
 * The wall clock of a machine, kept as an offset from `now`.
 *
 * A machine times its own work by `now`. It uses the wall clock only to judge timestamps of other machines (in a ticket, a
 * grant, a datagram between nodes). A wrong wall clock therefore ends no session and fires no timer, and its effect is gone
 * after the next correction.
 */
export class Wall {
  /** How far the wall clock is ahead of `now`. The driver of the machine keeps it up to date. */
  aheadMs = 0

  /** Converts a moment of the machine to wall-clock time, epoch milliseconds. */
  at(now: number): number {
    return now + this.aheadMs
  }
}
