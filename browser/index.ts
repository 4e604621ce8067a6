/**
 * The Straightway SDK for browsers: the names, types and semantics of `straightway` for Node.
 *
 *   import { join } from 'straightway/browser'
 *   const peer = await join({ index: 'https://…', invite: 'CODE', home: 'me' })
 *   peer.on('message', ({ from, text }) => console.log(from, text))
 *   const [friend] = await peer.find('metadata.game eq "chess" and status eq "online"')
 *   if (friend) await peer.send(friend.peer, 'hello')
 *
 * Times are epoch milliseconds (`…At`), and durations are milliseconds (`…Ms`). Every error is a StraightwayError,
 * whose `code` is one of ERRORS and whose message says what to do.
 */

export type { FindOptions, MessageOptions } from '../shared/client/client.ts'
export type { Delivery, Message } from '../shared/client/messages.ts'
export type { PeerState } from '../shared/client/peer-events.ts'
export type { ReadyOptions, RosterEvents } from '../shared/client/roster-records.ts'
export type { Which } from '../shared/client/which.ts'
export type { OfflineReason } from '../shared/core/peer/events.ts'
export { ERRORS, type ErrorCode, StraightwayError } from '../shared/errors.ts'
export { isPeerId, type NetworkId, type PeerId, type UserId } from '../shared/ids.ts'
export { LIMITS } from '../shared/limits.ts'
export type { Metadata, PresenceRecord as Presence, Status } from '../shared/presence.ts'
export type { PresenceRecord } from '../shared/presence-record.ts'
export type * from '../shared/resources.ts'
export type { IndexClient, InPlace } from '../shared/rest-client/index-client.ts'
export type { Listing } from '../shared/rest-client/listing.ts'
export type { Change, OwnStatus } from '../shared/wire/presence.ts'
export { type JoinOptions, join } from './join.ts'
export type { Offer, Peer, PeerEvents } from './peer.ts'
export type { Roster } from './roster.ts'
