/**
 * INDEX for an application: users, networks, members, invites, peers, objects and search, as the peer's user may see and
 * edit them. Every method rejects with StraightwayError: `forbidden`, `not-found`, `conflict`, `bad-request` with what is
 * wrong, `unavailable`.
 */
import type { NetworkId, PeerId, UserId } from '../../shared/ids.ts'
import type {
  IfVersion,
  InviteRecord,
  JsonObject,
  MemberRecord,
  NetworkRecord,
  ObjectRecord,
  Page,
  PageQuery,
  Patch,
  PeerRecord,
  Role,
  SearchQuery,
  UserRecord,
} from '../../shared/resources.ts'
import { type Listing, listing } from './listing.ts'
import { path, type Requests } from './requests.ts'

/** Where an object is. Its id names it within that place. */
interface InPlace {
  /** Without one the object is private to the peer's user. */
  readonly network?: NetworkId
}

interface Entities {
  readonly user: UserRecord
  readonly network: NetworkRecord
  readonly peer: PeerRecord
  readonly object: ObjectRecord
}

/** INDEX, as this peer's user may see and edit it. Every call rejects with a StraightwayError. */
export type IndexClient = ReturnType<typeof indexClient>

export function indexClient(requests: Requests) {
  return {
    users: { ...entity<UserId, UserRecord>(requests, 'users'), ...blocks(requests) },
    networks: {
      ...entity<NetworkId, NetworkRecord>(requests, 'networks'),
      /** The peer's user is its owner. */
      create: (network: {
        readonly name: string
        readonly attributes?: JsonObject
      }): Promise<NetworkRecord> => requests.send('POST', '/v1/networks', { body: network }),
    },
    /** Deleting a peer revokes it. */
    peers: entity<PeerId, PeerRecord>(requests, 'peers'),
    members: members(requests),
    invites: invites(requests),
    objects: objects(requests),
    /** Any entity by a filter; `collection` says which objects. */
    search<E extends keyof Entities>(
      kind: E,
      query: SearchQuery & { readonly collection?: string } = {},
    ): Listing<Entities[E]> {
      return listed(requests, '/v1/search', { entity: kind, ...query })
    },
  }
}

function entity<Id extends string, Item>(requests: Requests, name: string) {
  return {
    /** All of them, or those that a filter finds. */
    list: (query: SearchQuery = {}): Listing<Item> => listed(requests, path`/v1/${name}`, query),
    /** One by its id. Rejects with `not-found`. */
    get: (id: Id): Promise<Item> => requests.send('GET', path`/v1/${name}/${id}`),
    /** Changes what the patch names (RFC 7396). */
    update: (id: Id, patch: Patch, { ifVersion }: IfVersion = {}): Promise<Item> =>
      requests.send('PATCH', path`/v1/${name}/${id}`, { body: patch, ifVersion }),
    /** Removes it for good. */
    delete: (id: Id): Promise<void> => requests.send('DELETE', path`/v1/${name}/${id}`),
  }
}

function blocks(requests: Requests) {
  return {
    /** Peers and users from whom this user takes nothing. */
    blocks: (user: UserId): Promise<Page<PeerId | UserId>> =>
      requests.send('GET', path`/v1/users/${user}/blocks`),
    /** Takes nothing more from this peer or user. */
    block: (user: UserId, blocked: PeerId | UserId): Promise<void> =>
      requests.send('PUT', path`/v1/users/${user}/blocks/${blocked}`),
    /** Takes messages and offers from it again. */
    unblock: (user: UserId, blocked: PeerId | UserId): Promise<void> =>
      requests.send('DELETE', path`/v1/users/${user}/blocks/${blocked}`),
  }
}

function members(requests: Requests) {
  return {
    /** The members of a network. */
    list: (network: NetworkId, query: PageQuery = {}): Listing<MemberRecord> =>
      listed(requests, path`/v1/networks/${network}/members`, query),
    /** Adds a member, or changes its role. */
    put: (network: NetworkId, user: UserId, role: Role): Promise<unknown> =>
      requests.send('PUT', path`/v1/networks/${network}/members/${user}`, { body: { role } }),
    /** Removes a member; one's own user leaves. */
    delete: (network: NetworkId, user: UserId): Promise<void> =>
      requests.send('DELETE', path`/v1/networks/${network}/members/${user}`),
  }
}

function invites(requests: Requests) {
  return {
    /** The invites of a network. */
    list: (network: NetworkId, query: PageQuery = {}): Listing<InviteRecord> =>
      listed(requests, path`/v1/networks/${network}/invites`, query),
    /** `code` is told this once. `user`: for a further peer of that user. `validMs`: from now, a week without. */
    create: (
      network: NetworkId,
      invite: {
        readonly role?: Role
        readonly user?: UserId
        readonly uses?: number
        readonly validMs?: number
      } = {},
    ): Promise<InviteRecord & { readonly code: string }> =>
      requests.send('POST', path`/v1/networks/${network}/invites`, { body: invite }),
    /** Makes an invite useless from now on. */
    delete: (invite: string): Promise<void> => requests.send('DELETE', path`/v1/invites/${invite}`),
  }
}

function objects(requests: Requests) {
  return {
    /** The objects of a collection. */
    list: (collection: string, query: SearchQuery = {}): Listing<ObjectRecord> =>
      listed(requests, path`/v1/objects/${collection}`, query),
    /** One object. Rejects with `not-found`. */
    get: (collection: string, id: string, { network }: InPlace = {}): Promise<ObjectRecord> =>
      requests.send('GET', path`/v1/objects/${collection}/${id}`, { query: { network } }),
    /** Makes it or replaces its value. */
    put: (
      collection: string,
      id: string,
      { network, value }: InPlace & { readonly value: JsonObject },
      { ifVersion }: IfVersion = {},
    ): Promise<ObjectRecord> =>
      requests.send('PUT', path`/v1/objects/${collection}/${id}`, {
        ...{ query: { network }, body: { value }, ifVersion },
      }),
    /** A merge patch (RFC 7396) of its value. */
    update: (
      collection: string,
      id: string,
      value: JsonObject,
      { network, ifVersion }: InPlace & IfVersion = {},
    ): Promise<ObjectRecord> =>
      requests.send('PATCH', path`/v1/objects/${collection}/${id}`, {
        ...{ query: { network }, body: { value }, ifVersion },
      }),
    /** Removes an object. */
    delete: (collection: string, id: string, { network }: InPlace = {}): Promise<void> =>
      requests.send('DELETE', path`/v1/objects/${collection}/${id}`, { query: { network } }),
  }
}

const listed = <T>(requests: Requests, at: string, query: object): Listing<T> =>
  listing((cursor) =>
    requests.send('GET', at, { query: { ...query, ...(cursor !== undefined && { cursor }) } }),
  )
