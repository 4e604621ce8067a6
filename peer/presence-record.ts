import type { PresenceRecord as Presence } from '../shared/presence.ts'

/** What one peer says of itself, and what it and its user are called. Times in epoch milliseconds. */
export interface PresenceRecord extends Presence {
  /** Name of the peer. Empty if INDEX did not tell it. */
  readonly name: string
  /** Name of its user. Empty if INDEX did not tell it. Anybody may choose any name: trust goes by `peer` and `user`. */
  readonly userName: string
}
