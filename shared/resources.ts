/**
 * What INDEX keeps and answers, as JSON: the same types in the tables, over REST and in the SDK. Times are epoch
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

/** Each may do what those before it may: see the members, make objects, manage members and invites, delete it. */
export type Role = 'guest' | 'member' | 'admin' | 'owner'

/** Only an active membership counts; shared/model/membership.ts says what each state means. */
export type MembershipState = 'invited' | 'requested' | 'active' | 'suspended' | 'banned' | 'removed'

/** Who did something: a user, or an API key as `key:` and its id. */
export type Maker = UserId | `key:${string}`

/** How somebody becomes a member who was not invited: not at all, when an admin agrees, when they say so. */
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
  /** The application's own, at most LIMITS.attributesBytes. */
  readonly attributes: JsonObject
}

/** A user as itself and API keys see it; others see neither `subject` nor networks that they do not share. */
export interface UserDetails extends UserRecord {
  /** `issuer#subject` at the team's identity provider, if the user came from there. */
  readonly subject?: string
  /** Where the user is an active member. */
  readonly networks: readonly NetworkId[]
}

/** A network: a group of users whose peers see each other. */
export interface NetworkRecord extends Kept {
  readonly network: NetworkId
  readonly name: string
  readonly attributes: JsonObject
  /** What tunnels between its members may use. Of several networks shared, the strictest holds. */
  readonly paths: Paths
  readonly joining: Joining
  /** How many active members are owners: a network that has one keeps one. */
  readonly owners: number
}

/** A peer as INDEX knows it: whose it is, and what is permanent about it. */
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

/** What ties a user to a network. */
export interface MembershipRecord {
  readonly network: NetworkId
  readonly user: UserId
  readonly role: Role
  readonly state: MembershipState
  /** Who brought it into its role and state; absent if the system itself did. */
  readonly by?: Maker
  readonly changedAt: number
  /** When it became active; absent before. */
  readonly joinedAt?: number
  /** The invite it came by. */
  readonly invite?: string
}

/** A member of a network, with its user. */
export interface MemberRecord extends MembershipRecord {
  /** Of the user. */
  readonly name: string
  /** The best of the user's peers; `peer` is which. */
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
  /** The application's own, at most LIMITS.objectBytes. */
  readonly value: JsonObject
}

/** An invite to a network; its code is told once, to whoever makes it. */
export interface InviteRecord {
  /** Names the invite; it is not the code. */
  readonly invite: string
  /** First letters of the code. */
  readonly prefix: string
  readonly network: NetworkId
  /** Absent for an invite that brings a further peer of a member and nobody new. */
  readonly role?: Role
  /** The existing user a further peer is for. */
  readonly user?: UserId
  readonly uses: number
  readonly used: number
  /** Who made it: it ends with their right to make it. */
  readonly by?: Maker
  readonly createdAt: number
  readonly expiresAt: number
}

/** Who sees an attribute of a user, network or peer: every peer, whoever shares a network with it, itself. */
export type Visibility = 'public' | 'network' | 'private'

/** A collection of objects, and which of their attributes can be searched. */
export interface CollectionRecord extends Kept {
  readonly collection: string
  /** Dotted paths of a filter. */
  readonly searchable: readonly string[]
  /** The part of `searchable` under which every object is indexed already: what a search may rely on. */
  readonly indexed: readonly string[]
  /** `owner`: who made an object edits it. `members`: every member of its network does. */
  readonly editable: 'owner' | 'members'
  /** Of `users`, `networks` and `peers`: by dotted path, such as `attributes.email`. What is not named is for `network`. */
  readonly visibility: Readonly<Record<string, Visibility>>
}

/** A key of the admin API; its secret is told once. */
export interface ApiKeyRecord {
  readonly key: string
  readonly name: string
  /** `read` changes nothing. */
  readonly role: 'admin' | 'read'
  readonly createdAt: number
}

/** Work of several steps that a request started. */
export interface JobRecord {
  /** One a subject: asking for the same work again answers with the same job. */
  readonly job: string
  readonly kind: 'delete-network' | 'delete-user'
  readonly subject: NetworkId | UserId
  readonly state: 'running' | 'done'
  /** What is being done, or was done last. */
  readonly step: string
  readonly by?: Maker
  readonly createdAt: number
  readonly updatedAt: number
  /** Runs that have begun. */
  readonly runs: number
  /** Why the last run ended early. */
  readonly failure?: string
}

/** What a peer that enrols, or shows a proof, is given. */
export interface TicketRecord {
  readonly ticket: string
  readonly expiresAt: number
  readonly user: UserId
  readonly networks: readonly NetworkId[]
}

/** A node as a peer is told of it before it knows anybody. Addresses are texts such as `192.0.2.1:3478`. */
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
  /** Where the next page begins; absent on the last. */
  readonly cursor?: string
}

/** Which page of a listing. */
export interface PageQuery {
  /** 1 to LIMITS.pageSize. */
  readonly limit?: number
  readonly cursor?: string
}

/** Which records, and in which order. */
export interface SearchQuery extends PageQuery {
  /** SCIM (RFC 7644 section 3.4.2.2), for example `status eq "online" and metadata.game eq "chess"`. */
  readonly filter?: string
  readonly network?: NetworkId
}

/** A merge patch (RFC 7396): null within `attributes` removes. */
export interface Patch {
  readonly name?: string
  readonly attributes?: JsonObject
}

/** Refused with `precondition-failed` if the thing has another version meanwhile. */
export interface IfVersion {
  readonly ifVersion?: number
}
