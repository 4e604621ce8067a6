/**
 * The order of a peer's sessions: the one with the greatest `since` is valid, whichever node has it.
 *
 * A node accepts no `since` far ahead of its clock. If one is far ahead, it was accepted while a clock was wrong. The next
 * session of that peer then gets an even greater `since`. Otherwise the peer would be refused until time has caught up.
 */
/** Maximum lead of a valid `since`: what a node accepts, plus the difference between the clocks of two nodes. */
const FARTHEST_AHEAD_MS = 5000

export const isOfWrongClock = (since: number, wallNow: number): boolean => since > wallNow + FARTHEST_AHEAD_MS

/** Makes a session newer than one dated by a wrong clock; false if the other one is really newer. */
export function follows(session: { since: number }, other: number, wallNow: number): boolean {
  if (!isOfWrongClock(other, wallNow)) return false
  session.since = other + 1
  return true
}
