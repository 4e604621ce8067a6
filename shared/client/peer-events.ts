import type { OfflineReason } from '../core/peer/events.ts'
import type { StraightwayError } from '../errors.ts'
import type { PresenceRecord } from '../presence-record.ts'
import type { Change } from '../wire/presence.ts'
import type { Offer } from './offer.ts'

/** State of a peer. */
export type PeerState = 'online' | 'offline'

/** Events of a peer, with the arguments of their listeners. */
export interface ClientEvents<Message, Socket> {
  /**
   * A message arrived. It is acknowledged to the sender when every listener has returned. Without a listener it waits
   * for one.
   */
  message: [message: Message]
  /** A peer of a shared network came online, went offline or changed. While this peer is offline, all others are `unknown`. */
  presence: [record: PresenceRecord]
  /** A membership or permanent metadata of a shared network changed. The enrolment of this peer itself is not reported. */
  change: [change: Change]
  /** Another peer wants a tunnel. Without a listener the offer is refused with the reason `not-listening`. */
  offer: [offer: Offer<Socket>]
  /** This peer went online, or offline with a reason. It comes back by itself unless it was `replaced` or `revoked`. */
  state: [state: PeerState, why: OfflineReason | undefined]
  /**
   * A node sees this peer at another public IP address than before: it is in another network, or its router has a new address.
   * Tunnels find new paths by themselves.
   */
  address: [ip: string]
  /**
   * A background task failed for good, or an async listener rejected. Without a listener for this event, the error is
   * emitted as a process warning, or written to the browser's console.
   */
  error: [error: StraightwayError]
}
