import type { PresenceRecord as Presence } from './presence.ts'

/** Presence of one peer, with the names of the peer and its user. Times are epoch milliseconds. */
export interface PresenceRecord extends Presence {
  /** Name of the peer. Empty if INDEX did not tell. */
  readonly name: string
  /** Name of its user. Empty if INDEX did not tell. Users may choose any name: base trust on `peer` and `user` instead. */
  readonly userName: string
}
