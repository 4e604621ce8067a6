/**
 * The records that INDEX stores and returns as JSON. The tables, REST and the SDK share these types. Times are epoch
 * milliseconds; `version` grows with every edit.
 */
import type { NetworkId, NodeId, PeerId, UserId } from './ids.ts'
import type { Paths } from './paths.ts'
import type { PresenceRecord, Status } from './presence.ts'

/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }
/** A JSON object. */
export interface JsonObject {
  readonly [name: string]: Json
}

/**
 * Role of a member. Each role has the rights of those before it. A `guest` may see the members, a `member` may create objects,
 * an `admin` may manage members and invites, an `owner` may delete the network.
 */
export type Role = 'guest' | 'member' | 'admin' | 'owner'

/** Only an active membership counts; shared/model/membership.ts says what each state means. */
export type MembershipState = 'invited' | 'requested' | 'active' | 'suspended' | 'banned' | 'removed'

/** The author of a change: a user, or an API key as `key:` and its id. */
export type Maker = UserId | `key:${string}`

/**
 * How a user who was not invited can join a network: not at all (`invite`), with the consent of an admin (`approval`), or
 * freely (`open`).
 */
export type Joining = 'invite' | 'approval' | 'open'

interface Kept {
  readonly createdAt: number
  readonly updatedAt: number
  readonly version: number
}

/** A user as INDEX lists it. */
export interface UserRecord extends Kept {
  readonly user: UserId
  readonly name: string
  /** Attributes defined by the application, at most LIMITS.attributesBytes. */
  readonly attributes: JsonObject
}

/** A user as seen by itself and by API keys. Others see neither `subject` nor networks that they do not share. */
export interface UserDetails extends UserRecord {
  /** `issuer#subject` at the team's identity provider, if the user came from there. */
  readonly subject?: string
  /** The networks in which the user is an active member. */
  readonly networks: readonly NetworkId[]
}

/** A network: a group of users whose peers see each other. */
export interface NetworkRecord extends Kept {
  readonly network: NetworkId
  readonly name: string
  readonly attributes: JsonObject
  /** The paths that tunnels between its members may use. If two peers share several networks, the strictest policy applies. */
  readonly paths: Paths
  readonly joining: Joining
  /** Number of active members who are owners. A network that has an owner always keeps at least one. */
  readonly owners: number
}

/** A peer as INDEX knows it: its user, its permanent metadata and its presence. */
export interface PeerRecord extends Kept {
  readonly peer: PeerId
  readonly user: UserId
  readonly name: string
  readonly attributes: JsonObject
  /** A revoked peer gets no ticket and cannot enrol again. */
  readonly revokedAt?: number
  readonly presence: Omit<PresenceRecord, 'peer' | 'user'>
}

/** A peer as the tables keep it, without its presence. */
export type StoredPeer = Omit<PeerRecord, 'presence'>

/** A user's membership in a network. */
export interface MembershipRecord {
  readonly network: NetworkId
  readonly user: UserId
  readonly role: Role
  readonly state: MembershipState
  /** The author of its current role and state; absent if the system set them. */
  readonly by?: Maker
  readonly changedAt: number
  /** Time at which the membership became active; absent before. */
  readonly joinedAt?: number
  /** The invite that created the membership. */
  readonly invite?: string
}

/** A member of a network, with its user. */
export interface MemberRecord extends MembershipRecord {
  /** Name of the user. */
  readonly name: string
  /** The best presence among the user's peers; `peer` says which peer has it. */
  readonly presence: {
    readonly status: Status
    readonly custom: string
    readonly lastSeenAt: number
    readonly peer?: PeerId
  }
}

/** An object of the application, in a collection. */
export interface ObjectRecord extends Kept {
  readonly collection: string
  readonly id: string
  /** Absent for an object private to its owner. */
  readonly network?: NetworkId
  readonly owner?: UserId
  /** Content defined by the application, at most LIMITS.objectBytes. */
  readonly value: JsonObject
}

/** An invite to a network. Its code is returned only once, when the invite is created. */
export interface InviteRecord {
  /** Id of the invite, which is not its code. */
  readonly invite: string
  /** First letters of the code. */
  readonly prefix: string
  readonly network: NetworkId
  /** Role of the new member; absent if the invite only adds a further peer to an existing member. */
  readonly role?: Role
  /** The existing user that a further peer will belong to. */
  readonly user?: UserId
  readonly uses: number
  readonly used: number
  /** The author of the invite. The invite becomes invalid when the author loses the right to create it. */
  readonly by?: Maker
  readonly createdAt: number
  readonly expiresAt: number
}

/** Audience of an attribute of a user, network or peer: every peer, those that share a network with it, or only itself. */
export type Visibility = 'public' | 'network' | 'private'

/** A collection of objects, and which of their attributes can be searched. */
export interface CollectionRecord extends Kept {
  readonly collection: string
  /** Dotted paths that a filter may use. */
  readonly searchable: readonly string[]
  /** The part of `searchable` under which every object is already indexed. A search may rely on these. */
  readonly indexed: readonly string[]
  /** The users who may edit an object: its creator (`owner`), or every member of its network (`members`). */
  readonly editable: 'owner' | 'members'
  /** Visibility of attributes of `users`, `networks` and `peers` by dotted path (`attributes.email`). Default: `network`. */
  readonly visibility: Readonly<Record<string, Visibility>>
}

/** A key of the admin API. Its secret is returned only once, when the key is created. */
export interface ApiKeyRecord {
  readonly key: string
  readonly name: string
  /** A `read` key cannot change anything. */
  readonly role: 'admin' | 'read'
  readonly createdAt: number
  /** The operations that it may call. Default: all. */
  readonly operations?: readonly string[]
  /** The networks that it acts in, as an owner of them would, or as a reader. Default: all, and what is of no network. */
  readonly networks?: readonly NetworkId[]
  /** The collections of objects that it may use. Default: all. */
  readonly collections?: readonly string[]
  /** Time at which it ends, epoch milliseconds. Default: never. */
  readonly expiresAt?: number
  /** Time at which its secret was last replaced. */
  readonly rotatedAt?: number
  /** When it was last used, to within ten minutes. */
  readonly lastUsedAt?: number
}

/** A job of several steps that a request started. */
export interface JobRecord {
  /** Id of the job. There is one job per subject: a repeated request returns the same job. */
  readonly job: string
  readonly kind: 'delete-network' | 'delete-user'
  readonly subject: NetworkId | UserId
  readonly state: 'running' | 'done'
  /** The current step, or the last one. */
  readonly step: string
  readonly by?: Maker
  readonly createdAt: number
  readonly updatedAt: number
  /** Number of runs that have begun. */
  readonly runs: number
  /** Why the last run ended early. */
  readonly failure?: string
}

/** An administrative change: what was changed, by whom, and how. Secrets are never part of it. */
export interface AuditRecord {
  /** Id of the record. Ids sort by time. */
  readonly entry: string
  readonly at: number
  /** Name of the operation, such as `putMember`. */
  readonly operation: string
  /** The user or API key that made the change. */
  readonly by?: Maker
  /** The peer that sent the request, if a user made the change. */
  readonly peer?: PeerId
  /** Id of the request, which its answer has as `x-request-id`. */
  readonly request: string
  /** A user, a network, `collection:` and its name, or `key:` and the id of an API key. */
  readonly subject: string
  /** The part of the subject: the user of a membership, a peer or a block of a user, an invite to a network. */
  readonly about?: string
  /** The changed fields as they were. Absent for something new, and of a user that was deleted. */
  readonly before?: JsonObject
  /** The changed fields as they are now. Absent for something deleted, and of a user that was deleted. */
  readonly after?: JsonObject
}

/** A webhook: an address that hears of changes. Its secret is returned only when it is created or rotated. */
export interface WebhookRecord extends Kept {
  readonly webhook: string
  readonly name: string
  readonly url: string
  /** Names of events, such as `member.created`, or `member.*`. */
  readonly events: readonly string[]
  /** Hears only of this network. */
  readonly network?: NetworkId
  /** Hears only of objects of this collection. */
  readonly collection?: string
  /** False: it hears of nothing. A receiver that answers 410 makes it so. */
  readonly active: boolean
  readonly by?: Maker
}

/** `dead`: given up after the last attempt. */
export type DeliveryState = 'waiting' | 'delivered' | 'dead'

/** One event for one webhook. */
export interface DeliveryRecord {
  /** Id of the event: `webhook-id` of its message. */
  readonly delivery: string
  readonly webhook: string
  readonly type: string
  readonly state: DeliveryState
  readonly attempts: number
  readonly createdAt: number
  readonly lastAt?: number
  /** Status that the receiver answered with last. */
  readonly lastStatus?: number
  /** Why the last attempt failed. */
  readonly failure?: string
}

/** A ticket, as returned to a peer that enrols or presents a proof of its key. */
export interface TicketRecord {
  readonly ticket: string
  /** Time at which INDEX no longer accepts the ticket, epoch milliseconds. */
  readonly expiresAt: number
  /** Time at which nodes no longer accept the ticket, epoch milliseconds. */
  readonly signInUntil: number
  readonly user: UserId
  readonly networks: readonly NetworkId[]
}

/** A node as described to a peer that is bootstrapping. Addresses are texts such as `192.0.2.1:3478`. */
export interface NodeRecord {
  readonly node: NodeId
  readonly publicKey: string
  readonly checkpoint: readonly string[]
  readonly handshake: readonly string[]
  readonly stun: readonly string[]
  readonly relay: readonly string[]
  readonly relayTls?: { readonly port: number; readonly pin: string }
  readonly region?: string
}

/** One page of a listing. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Position of the next page; absent on the last page. */
  readonly cursor?: string
}

/** Selects a page of a listing. */
export interface PageQuery {
  /** 1 to LIMITS.pageSize. */
  readonly limit?: number
  readonly cursor?: string
}

/** Selects the records of a search. */
export interface SearchQuery extends PageQuery {
  /** SCIM (RFC 7644 section 3.4.2.2), for example `status eq "online" and metadata.game eq "chess"`. */
  readonly filter?: string
  readonly network?: NetworkId
}

/** A merge patch (RFC 7396): a null within `attributes` removes that attribute. */
export interface Patch {
  readonly name?: string
  readonly attributes?: JsonObject
}

/** A condition for a change: refused with `precondition-failed` if the resource no longer has this version. */
export interface IfVersion {
  readonly ifVersion?: number
}
