import type { OfflineReason } from '../shared/core/peer/events.ts'
import type { StraightwayError } from '../shared/errors.ts'
import type { Change } from '../shared/wire/presence.ts'
import type { Message } from './messages.ts'
import type { Offer } from './offer.ts'
import type { PresenceRecord } from './presence-record.ts'

/** Whether a peer is online. */
export type PeerState = 'online' | 'offline'

/** What happens to a peer, and what its listeners are given. */
export interface PeerEvents {
  /** Acknowledged to its sender when every listener has returned. Without a listener it waits for one. */
  message: [message: Message]
  /** Somebody of a shared network came, went or changed. While we are offline ourselves everybody is `unknown`. */
  presence: [record: PresenceRecord]
  /** A membership or permanent metadata of a shared network changed. That this peer itself was enrolled is not told. */
  change: [change: Change]
  /** Somebody wants a tunnel. Without a listener it is refused with the reason `not-listening`. */
  offer: [offer: Offer]
  /** We came online, or are offline and why. It mends itself, unless it is `replaced` or `revoked`. */
  state: [state: PeerState, why: OfflineReason | undefined]
  /**
   * Something failed in the background and will not mend itself, or a listener that is async rejected. Without a
   * listener for this it is a warning of the process.
   */
  error: [error: StraightwayError]
}
