/**
 * The Straightway SDK: peers find each other, exchange messages, and open direct, encrypted tunnels.
 *
 *   import { join } from 'straightway'
 *   const peer = await join({ index: 'https://…', invite: 'CODE', metadata: { game: 'chess' } })
 *   peer.on('offer', async (offer) => (await offer.accept()).on('message', (text) => console.log(`${text}`)))
 *   const [friend] = await peer.find('metadata.game eq "chess" and status eq "online"')
 *   const socket = friend && (await peer.connect(friend.peer, { intent: 'play' }))
 *   socket?.send('hello')
 *
 * Times are epoch milliseconds (`…At`), and durations are milliseconds (`…Ms`). Every error is a StraightwayError,
 * whose `code` is one of ERRORS and whose message says what to do.
 */

export { type PingOptions, type PingReport, ping } from '../serve/ping.ts'
export {
  type ReceivedFile,
  type ReceivedTransfer,
  type ReceiveOptions,
  receiveFiles,
} from '../serve/receive-files.ts'
export { type SendOptions, type SentTransfer, type StreamOpener, sendFiles } from '../serve/send-files.ts'
export { INTENT, isServed, type Serving, serve } from '../serve/serve.ts'
export {
  type FileSource,
  type FolderSource,
  type Source,
  type Sources,
  sourcesOf,
  streamSource,
} from '../serve/sources.ts'
export { type Forward, type ForwardOptions, type ForwardTunnel, forwardTcp } from '../serve/tcp.ts'
export type { FileFacts, Progress, TransferOffer } from '../serve/transfer.ts'
export type { Tunnel, TunnelEvents } from '../serve/tunnel.ts'
export type { ConnectOptions } from '../shared/client/calls.ts'
export type { FindOptions, MessageOptions } from '../shared/client/client.ts'
export type { Enrolled } from '../shared/client/home.ts'
export type { Delivery } from '../shared/client/messages.ts'
export type { AcceptOptions } from '../shared/client/offer.ts'
export type { PeerState } from '../shared/client/peer-events.ts'
export type { ReadyOptions, RosterEvents, RosterSource, RosterTold } from '../shared/client/roster-records.ts'
export type { Which } from '../shared/client/which.ts'
export type { OfflineReason } from '../shared/core/peer/events.ts'
export type { NatKind, Prospect, Prospects } from '../shared/core/peer/prospects.ts'
export type { Effort } from '../shared/core/tunnel/events.ts'
export type { AddressInfo, Datagram, Path, RemoteInfo } from '../shared/datagram.ts'
export { ERRORS, type ErrorCode, StraightwayError } from '../shared/errors.ts'
export { isPeerId, type NetworkId, type PeerId, type UserId } from '../shared/ids.ts'
export { LIMITS } from '../shared/limits.ts'
export type { Paths } from '../shared/paths.ts'
export type { Metadata, PresenceRecord as Presence, Status } from '../shared/presence.ts'
export type { PresenceRecord } from '../shared/presence-record.ts'
export type * from '../shared/resources.ts'
export type { AdminClient, AdminRequest, Operations } from '../shared/rest-client/admin-client.ts'
export type { IndexClient, InPlace } from '../shared/rest-client/index-client.ts'
export type { Listing } from '../shared/rest-client/listing.ts'
export { WHY_NOT_DIRECT, type WhyNotDirect } from '../shared/why-not-direct.ts'
export type { Change, OwnStatus } from '../shared/wire/presence.ts'
export { type AdminOptions, createAdminClient } from './admin.ts'
export { type Diagnosis, diagnose } from './diagnosis.ts'
export { enrolledAt } from './home/home.ts'
export { type JoinOptions, join } from './join.ts'
export type { Message, Offer, Peer, PeerEvents } from './peer.ts'
export type {
  NotHybrid,
  PeerSocket,
  PeerSocketEvents,
  Security,
  StreamOptions,
  TunnelEnd,
} from './peer-socket.ts'
export type { Roster } from './roster.ts'
export type { SendArguments, SendCallback } from './send-arguments.ts'
export type { PeerStream } from './stream/peer-stream.ts'
