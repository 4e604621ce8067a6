/**
 * Of two sessions of a peer the one with the greater `since` is the peer's, whichever node has it and whoever is told of it.
 *
 * A node accepts no `since` far ahead of its clock. One that is far ahead was accepted while a clock was wrong. The next
 * session of that peer follows it: it gets a greater `since`, or the peer would be refused until time catches up.
 */
/** What a node accepts, and by how much the clocks of two nodes may differ. */
const FARTHEST_AHEAD_MS = 5000

export const isOfWrongClock = (since: number, wallNow: number): boolean => since > wallNow + FARTHEST_AHEAD_MS
