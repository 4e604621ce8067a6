/**
 * Milliseconds since the epoch that never run backwards, for machines.
 *
 * The clock follows the wall clock when that is ahead, as after a machine wakes from sleep. A leap of more than LEAP_MS is
 * believed only after it has lasted for LASTING_MS: one wrong reading changes nothing. If the wall clock is behind, because
 * what was believed was wrong, the clock passes at half the pace of the monotonic one until they meet.
 */
const LEAP_MS = 60_000
const LASTING_MS = 3000
const CATCH_UP_PACE = 0.5

export function steadyClock(
  wall: () => number = Date.now,
  monotonic: () => number = () => performance.now(),
): () => number {
  let readAt = monotonic()
  let time = wall()
  let leaptAt: number | undefined
  return () => {
    const [at, told] = [monotonic(), wall()]
    const elapsed = at - readAt
    readAt = at
    const ahead = told - (time + elapsed)
    if (ahead <= LEAP_MS) leaptAt = undefined
    else leaptAt ??= at
    if (ahead < 0) time = Math.max(time + elapsed * CATCH_UP_PACE, Math.min(told, time + elapsed))
    else if (leaptAt === undefined || at - leaptAt >= LASTING_MS) time = told
    else time += elapsed
    return Math.floor(time)
  }
}

/** The clock of this process. */
export const now = steadyClock()
