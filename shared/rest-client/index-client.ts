/**
 * The INDEX client of an application: users, networks, members, invites, peers, objects and search, with the
 * permissions of the peer's user. Every method rejects with a StraightwayError: `forbidden`, `not-found`, `conflict`,
 * `unavailable`, or `bad-request` whose message says what is wrong.
 */
import { checkId, checkInteger, checkJson, checkText, taken } from '../arguments.ts'
import type { NetworkId, PeerId, UserId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
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
} from '../resources.ts'
import { type Listing, listing } from './listing.ts'
import { path, type Requests } from './requests.ts'
import type { Shape } from './shape.ts'

/** The place of an object. Ids of objects are unique within a place. */
export interface InPlace {
  /** Network that shares the object. Without it, the object is private to the peer's user. */
  readonly network?: NetworkId
}

interface Entities {
  readonly user: UserRecord
  readonly network: NetworkRecord
  readonly peer: PeerRecord
  readonly object: ObjectRecord
}

/** Fields that the SDK relies on in each record of INDEX. */
const RECORDS = {
  user: { user: 'text', name: 'text' },
  network: { network: 'text', name: 'text' },
  peer: { peer: 'text', user: 'text', name: 'text', presence: { status: 'text', since: 'number' } },
  object: { collection: 'text', id: 'text', value: {} },
  member: { network: 'text', user: 'text', name: 'text', role: 'text' },
  invite: { invite: 'text', network: 'text' },
} as const satisfies { readonly [record: string]: Shape }

/** Client for INDEX, with the permissions of this peer's user. Every call rejects with a StraightwayError. */
export type IndexClient = ReturnType<typeof indexClient>

export function indexClient(requests: Requests) {
  return {
    users: { ...entity<UserId, UserRecord>(requests, 'user'), ...blocks(requests) },
    networks: {
      ...entity<NetworkId, NetworkRecord>(requests, 'network'),
      /** Creates a network. The peer's user becomes its owner. */
      async create(network: {
        readonly name: string
        readonly attributes?: JsonObject
      }): Promise<NetworkRecord> {
        checkJson(network, 'network')
        return requests.send('POST', '/v1/networks', { body: network, expects: RECORDS.network })
      },
    },
    /** Peers. To delete a peer is to revoke it. */
    peers: entity<PeerId, PeerRecord>(requests, 'peer'),
    members: members(requests),
    invites: invites(requests),
    objects: objects(requests),
    /** Searches entities of one kind by a filter. For objects, `collection` names the collection. */
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
    /** Lists all entities, or those that match a filter. */
    list: (query: SearchQuery = {}): Listing<Item> =>
      listed(requests, expects, query, (more) => [path`/v1/${name}`, more]),
    /** Gets one entity by its id. Rejects with `not-found`. */
    async get(id: Id): Promise<Item> {
      checkId(id, 'id')
      return requests.send('GET', path`/v1/${name}/${id}`, { expects })
    },
    /** Changes the fields that the patch names (JSON merge patch, RFC 7396). */
    async update(id: Id, patch: Patch, options: IfVersion = {}): Promise<Item> {
      checkId(id, 'id')
      checkJson(patch, 'patch')
      return requests.send('PATCH', path`/v1/${name}/${id}`, { body: patch, expects, ...versionOf(options) })
    },
    /** Deletes the entity permanently. */
    async delete(id: Id): Promise<void> {
      checkId(id, 'id')
      return requests.send('DELETE', path`/v1/${name}/${id}`)
    },
  }
}

function blocks(requests: Requests) {
  return {
    /** Lists the peers and users whose messages and offers this user does not accept. */
    async blocks(user: UserId): Promise<Page<PeerId | UserId>> {
      checkId(user, 'user')
      return requests.send('GET', path`/v1/users/${user}/blocks`, { expects: { items: ['text'] } })
    },
    /** Blocks a peer or user: its messages and offers are no longer accepted. */
    async block(user: UserId, blocked: PeerId | UserId): Promise<void> {
      checkId(user, 'user')
      checkId(blocked, 'blocked')
      return requests.send('PUT', path`/v1/users/${user}/blocks/${blocked}`)
    },
    /** Unblocks a peer or user: its messages and offers are accepted again. */
    async unblock(user: UserId, blocked: PeerId | UserId): Promise<void> {
      checkId(user, 'user')
      checkId(blocked, 'blocked')
      return requests.send('DELETE', path`/v1/users/${user}/blocks/${blocked}`)
    },
  }
}

function members(requests: Requests) {
  return {
    /** Lists the members of a network. */
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
    /** Removes a member. To remove one's own user is to leave the network. */
    async delete(network: NetworkId, user: UserId): Promise<void> {
      checkId(network, 'network')
      checkId(user, 'user')
      return requests.send('DELETE', path`/v1/networks/${network}/members/${user}`)
    },
  }
}

function invites(requests: Requests) {
  return {
    /** Lists the invites of a network. */
    list: (network: NetworkId, query: PageQuery = {}): Listing<InviteRecord> =>
      listed(requests, RECORDS.invite, query, (more) => {
        checkId(network, 'network')
        return [path`/v1/networks/${network}/invites`, more]
      }),
    /**
     * Creates an invite. Only this answer contains `code`. `user`: the invite is for another peer of that user.
     * `validMs`: lifetime from now, default one week.
     */
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
    /** Revokes an invite. */
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
    /** Lists the objects of a collection. */
    list: (collection: string, query: SearchQuery = {}): Listing<ObjectRecord> =>
      listed(requests, expects, query, (more) => {
        checkId(collection, 'collection')
        return [path`/v1/objects/${collection}`, more]
      }),
    /** Gets one object. Rejects with `not-found`. */
    async get(collection: string, id: string, place: InPlace = {}): Promise<ObjectRecord> {
      return requests.send('GET', at(collection, id), { query: placeOf(place), expects })
    },
    /** Creates an object, or replaces its value. */
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
    /** Changes an object's value by a merge patch (RFC 7396). */
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
    /** Deletes an object. */
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

/** A listing of checked queries. `where` checks the other arguments and returns the path and query of a page. */
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
