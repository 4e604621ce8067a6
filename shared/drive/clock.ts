/**
 * Milliseconds since the epoch that never run backwards: follows the wall clock when it is ahead, as after a machine wakes
 * from sleep, and goes on at the pace of the monotonic clock while the wall clock is behind.
 */
export function steadyClock(
  wall: () => number = Date.now,
  monotonic: () => number = () => performance.now(),
): () => number {
  let offset = wall() - monotonic()
  return () => {
    const elapsed = monotonic()
    offset = Math.max(offset, wall() - elapsed)
    return Math.floor(offset + elapsed)
  }
}

/** The clock of this process. */
export const now = steadyClock()
