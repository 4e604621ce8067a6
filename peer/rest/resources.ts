/** What INDEX keeps and tells, as JSON. Times are epoch milliseconds; `version` grows with every edit. */
import type { NetworkId, PeerId, UserId } from '../../shared/ids.ts'
import type { PresenceRecord, Status } from '../../shared/presence.ts'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }
export interface JsonObject {
  readonly [name: string]: Json
}

/** Each may do what those before it may: see the members, make objects, manage members and invites, delete it. */
export type Role = 'guest' | 'member' | 'admin' | 'owner'

interface Kept {
  readonly createdAt: number
  readonly updatedAt: number
  readonly version: number
}

export interface UserRecord extends Kept {
  readonly user: UserId
  readonly name: string
  /** The application's own, at most LIMITS.attributesBytes. */
  readonly attributes: JsonObject
}

export interface NetworkRecord extends Kept {
  readonly network: NetworkId
  readonly name: string
  readonly attributes: JsonObject
}

export interface PeerRecord extends Kept {
  readonly peer: PeerId
  readonly user: UserId
  readonly name: string
  readonly attributes: JsonObject
  readonly revokedAt?: number
  readonly presence: Omit<PresenceRecord, 'peer' | 'user'>
}

export interface MemberRecord {
  readonly network: NetworkId
  readonly user: UserId
  readonly role: Role
  readonly joinedAt: number
  readonly name: string
  /** The best of the user's peers; `peer` is which. */
  readonly presence: {
    readonly status: Status
    readonly custom: string
    readonly lastSeenAt: number
    readonly peer?: PeerId
  }
}

export interface ObjectRecord extends Kept {
  readonly collection: string
  readonly id: string
  /** Absent for an object private to its owner. */
  readonly network?: NetworkId
  readonly owner?: UserId
  /** The application's own, at most LIMITS.objectBytes. */
  readonly value: JsonObject
}

export interface InviteRecord {
  /** Names the invite; it is not the code. */
  readonly invite: string
  /** First letters of the code. */
  readonly prefix: string
  readonly network: NetworkId
  readonly role?: Role
  readonly user?: UserId
  readonly uses: number
  readonly used: number
  readonly createdAt: number
  readonly expiresAt: number
}

export interface Page<T> {
  readonly items: readonly T[]
  /** Where the next page begins; absent on the last. */
  readonly cursor?: string
}

export interface PageQuery {
  /** 1 to LIMITS.pageSize. */
  readonly limit?: number
  readonly cursor?: string
}

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

/** Refused with `conflict` where the thing has another version meanwhile. */
export interface IfVersion {
  readonly ifVersion?: number
}
