/**
 * INDEX for an application: users, networks, members, invites, peers, objects and search, as the peer's user may see and
 * edit them. Every method rejects with StraightwayError: `forbidden`, `not-found`, `conflict`, `bad-request` with what is
 * wrong, `unavailable`.
 */
import type { NetworkId, PeerId, UserId } from '../../shared/ids.ts'
import { LIMITS } from '../../shared/limits.ts'
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
import { checkId, checkInteger, checkJson, checkText, taken } from '../arguments.ts'
import { type Listing, listing } from './listing.ts'
import { path, type Requests } from './requests.ts'
import type { Shape } from './shape.ts'

/** Where an object is. Its id names it within that place. */
export interface InPlace {
  /** Without one the object is private to the peer's user. */
  readonly network?: NetworkId
}

interface Entities {
  readonly user: UserRecord
  readonly network: NetworkRecord
  readonly peer: PeerRecord
  readonly object: ObjectRecord
}

/** What the SDK relies on in each record that INDEX answers. */
const RECORDS = {
  user: { user: 'text', name: 'text' },
  network: { network: 'text', name: 'text' },
  peer: { peer: 'text', user: 'text', name: 'text', presence: { status: 'text', since: 'number' } },
  object: { collection: 'text', id: 'text', value: {} },
  member: { network: 'text', user: 'text', name: 'text', role: 'text' },
  invite: { invite: 'text', network: 'text' },
} as const satisfies { readonly [record: string]: Shape }

/** INDEX, as this peer's user may see and edit it. Every call rejects with a StraightwayError. */
export type IndexClient = ReturnType<typeof indexClient>

export function indexClient(requests: Requests) {
  return {
    users: { ...entity<UserId, UserRecord>(requests, 'user'), ...blocks(requests) },
    networks: {
      ...entity<NetworkId, NetworkRecord>(requests, 'network'),
      /** The peer's user is its owner. */
      async create(network: {
        readonly name: string
        readonly attributes?: JsonObject
      }): Promise<NetworkRecord> {
        checkJson(network, 'network')
        return requests.send('POST', '/v1/networks', { body: network, expects: RECORDS.network })
      },
    },
    /** Deleting a peer revokes it. */
    peers: entity<PeerId, PeerRecord>(requests, 'peer'),
    members: members(requests),
    invites: invites(requests),
    objects: objects(requests),
    /** Any entity by a filter; `collection` says which objects. */
    search<E extends keyof Entities>(
      kind: E,
      query: SearchQuery & { readonly collection?: string } = {},
    ): Listing<Entities[E]> {
      return listed(requests, RECORDS[kind], query, (more) => {
        checkId(kind, 'kind')
        return ['/v1/search', { entity: kind, ...more }]
      })
    },
  }
}

function entity<Id extends string, Item>(requests: Requests, kind: 'user' | 'network' | 'peer') {
  const [name, expects] = [`${kind}s`, RECORDS[kind]]
  return {
    /** All of them, or those that a filter finds. */
    list: (query: SearchQuery = {}): Listing<Item> =>
      listed(requests, expects, query, (more) => [path`/v1/${name}`, more]),
    /** One by its id. Rejects with `not-found`. */
    async get(id: Id): Promise<Item> {
      checkId(id, 'id')
      return requests.send('GET', path`/v1/${name}/${id}`, { expects })
    },
    /** Changes what the patch names (RFC 7396). */
    async update(id: Id, patch: Patch, options: IfVersion = {}): Promise<Item> {
      checkId(id, 'id')
      checkJson(patch, 'patch')
      return requests.send('PATCH', path`/v1/${name}/${id}`, { body: patch, expects, ...versionOf(options) })
    },
    /** Removes it for good. */
    async delete(id: Id): Promise<void> {
      checkId(id, 'id')
      return requests.send('DELETE', path`/v1/${name}/${id}`)
    },
  }
}

function blocks(requests: Requests) {
  return {
    /** Peers and users from whom this user takes nothing. */
    async blocks(user: UserId): Promise<Page<PeerId | UserId>> {
      checkId(user, 'user')
      return requests.send('GET', path`/v1/users/${user}/blocks`, { expects: { items: ['text'] } })
    },
    /** Takes nothing more from this peer or user. */
    async block(user: UserId, blocked: PeerId | UserId): Promise<void> {
      checkId(user, 'user')
      checkId(blocked, 'blocked')
      return requests.send('PUT', path`/v1/users/${user}/blocks/${blocked}`)
    },
    /** Takes messages and offers from it again. */
    async unblock(user: UserId, blocked: PeerId | UserId): Promise<void> {
      checkId(user, 'user')
      checkId(blocked, 'blocked')
      return requests.send('DELETE', path`/v1/users/${user}/blocks/${blocked}`)
    },
  }
}

function members(requests: Requests) {
  return {
    /** The members of a network. */
    list: (network: NetworkId, query: PageQuery = {}): Listing<MemberRecord> =>
      listed(requests, RECORDS.member, query, (more) => {
        checkId(network, 'network')
        return [path`/v1/networks/${network}/members`, more]
      }),
    /** Adds a member, or changes its role. */
    async put(network: NetworkId, user: UserId, role: Role): Promise<unknown> {
      checkId(network, 'network')
      checkId(user, 'user')
      checkId(role, 'role')
      return requests.send('PUT', path`/v1/networks/${network}/members/${user}`, { body: { role } })
    },
    /** Removes a member; one's own user leaves. */
    async delete(network: NetworkId, user: UserId): Promise<void> {
      checkId(network, 'network')
      checkId(user, 'user')
      return requests.send('DELETE', path`/v1/networks/${network}/members/${user}`)
    },
  }
}

function invites(requests: Requests) {
  return {
    /** The invites of a network. */
    list: (network: NetworkId, query: PageQuery = {}): Listing<InviteRecord> =>
      listed(requests, RECORDS.invite, query, (more) => {
        checkId(network, 'network')
        return [path`/v1/networks/${network}/invites`, more]
      }),
    /** `code` is told this once. `user`: for a further peer of that user. `validMs`: from now, a week without. */
    async create(
      network: NetworkId,
      invite: {
        readonly role?: Role
        readonly user?: UserId
        readonly uses?: number
        readonly validMs?: number
      } = {},
    ): Promise<InviteRecord & { readonly code: string }> {
      checkId(network, 'network')
      checkJson(invite, 'invite')
      return requests.send('POST', path`/v1/networks/${network}/invites`, {
        body: invite,
        expects: { ...RECORDS.invite, code: 'text' },
      })
    },
    /** Makes an invite useless from now on. */
    async delete(invite: string): Promise<void> {
      checkId(invite, 'invite')
      return requests.send('DELETE', path`/v1/invites/${invite}`)
    },
  }
}

function objects(requests: Requests) {
  const expects = RECORDS.object
  const at = (collection: string, id: string): string => {
    checkId(collection, 'collection')
    checkId(id, 'id')
    return path`/v1/objects/${collection}/${id}`
  }
  return {
    /** The objects of a collection. */
    list: (collection: string, query: SearchQuery = {}): Listing<ObjectRecord> =>
      listed(requests, expects, query, (more) => {
        checkId(collection, 'collection')
        return [path`/v1/objects/${collection}`, more]
      }),
    /** One object. Rejects with `not-found`. */
    async get(collection: string, id: string, place: InPlace = {}): Promise<ObjectRecord> {
      return requests.send('GET', at(collection, id), { query: placeOf(place), expects })
    },
    /** Makes it or replaces its value. */
    async put(
      collection: string,
      id: string,
      object: InPlace & { readonly value: JsonObject },
      options: IfVersion = {},
    ): Promise<ObjectRecord> {
      const { value, ...place } = taken(object, 'object')
      checkJson(value, 'value')
      return requests.send('PUT', at(collection, id), {
        ...{ query: placeOf(place), body: { value }, expects, ...versionOf(options) },
      })
    },
    /** A merge patch (RFC 7396) of its value. */
    async update(
      collection: string,
      id: string,
      value: JsonObject,
      options: InPlace & IfVersion = {},
    ): Promise<ObjectRecord> {
      checkJson(value, 'value')
      return requests.send('PATCH', at(collection, id), {
        ...{ query: placeOf(options), body: { value }, expects, ...versionOf(options) },
      })
    },
    /** Removes an object. */
    async delete(collection: string, id: string, place: InPlace = {}): Promise<void> {
      return requests.send('DELETE', at(collection, id), { query: placeOf(place) })
    },
  }
}

function placeOf(place: InPlace): Query {
  const { network } = taken(place)
  if (network !== undefined) checkId(network, 'network')
  return { network }
}

function versionOf(options: IfVersion): IfVersion {
  const { ifVersion } = taken(options)
  checkInteger(ifVersion, 'ifVersion', 0, Number.MAX_SAFE_INTEGER)
  return ifVersion === undefined ? {} : { ifVersion }
}

type Query = { readonly [name: string]: string | number | undefined }

/** `where`: throws what is wrong with the arguments, gives the path and the query for a page. */
function listed<T>(
  requests: Requests,
  item: Shape | undefined,
  given: SearchQuery,
  where: (query: Query) => [path: string, query: Query],
): Listing<T> {
  return listing(async (cursor) => {
    const query = checkedQuery(given)
    const [at, sent] = where({ ...query, ...(cursor !== undefined && { cursor }) })
    return requests.send('GET', at, { query: sent, expects: { items: [item ?? {}] } })
  })
}

function checkedQuery(given: SearchQuery): Query {
  const query: Query = { ...taken(given, 'query') }
  checkInteger(query.limit, 'limit', 1, LIMITS.pageSize)
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && name !== 'limit') checkText(value, name)
  return query
}
