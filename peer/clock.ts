/**
 * Milliseconds since the epoch that never run backwards: at the pace of the monotonic clock, and forward to the wall
 * clock whenever that is ahead, as it is when a machine wakes from sleep.
 */
let ahead = Number.NEGATIVE_INFINITY

export function now(): number {
  const monotonic = performance.now()
  ahead = Math.max(ahead, Date.now() - monotonic)
  return Math.floor(monotonic + ahead)
}
