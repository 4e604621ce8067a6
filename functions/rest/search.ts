/** Search and listings. Every entity is searched in the same way, within what the caller may see. */
import { z } from 'zod'
import type { Asker } from '../../shared/directory.ts'
import { StraightwayError } from '../../shared/errors.ts'
import type { NetworkId } from '../../shared/ids.ts'
import { type Entity, objectCollectionSchema } from '../../shared/model/collection.ts'
import { type Actor, networksOf } from '../../shared/model/permission.ts'
import { EVERYTHING } from '../../shared/model/search/terms.ts'
import { type Scope, search as searchStore } from '../../shared/store/search.ts'
import { networkAnswer, objectAnswer, pageOf, peerAnswer, userAnswer } from './answers.ts'
import { page, type Reply } from './reply.ts'
import { type Call, route, SEARCH } from './route.ts'

export const searchRoutes = [
  route({
    operation: 'search',
    door: 'GET /v1/search',
    who: 'credential',
    permission: 'search',
    tag: 'Search',
    summary: 'Any entity by a filter: `entity`, and `collection` for objects',
    query: {
      ...SEARCH,
      entity: z.enum(['user', 'network', 'peer', 'object'], 'one of user, network, peer, object'),
      collection: objectCollectionSchema.optional(),
    },
    answers: { 200: pageOf(z.union([userAnswer, networkAnswer, peerAnswer, objectAnswer])) },
    async handle(call) {
      const { entity, collection } = call.query
      if ((entity === 'object') !== (collection !== undefined))
        throw new StraightwayError('bad-request', 'collection: name the one to search, of objects only')
      return listEntity(call, entity, collection)
    },
  }),
]

interface SearchQuery {
  readonly limit: number
  readonly cursor?: string | undefined
  readonly filter?: string | undefined
  readonly network?: NetworkId | undefined
}

interface SortedQuery extends SearchQuery {
  readonly sortBy?: string | undefined
  readonly sortOrder: 'ascending' | 'descending'
}

/** Answers a search for `?filter=&network=&sortBy=&sortOrder=&limit=&cursor=`. */
export async function listEntity(
  { actor, allow, context, query }: Call<object, SortedQuery>,
  entity: Entity,
  collection?: string,
): Promise<Reply> {
  allow()
  const { limit, cursor, filter, network, sortBy, sortOrder } = query
  const found = await searchStore(context.client, {
    ...{ entity, collection, scopes: scopesOf(actor, entity, network), filter },
    ...{ sortBy, descending: sortOrder === 'descending', limit, cursor },
    viewer: viewerOf(actor),
  })
  return page(found)
}

/** The viewer for whom blocks and visibility are applied. Undefined for an API key, which sees everything. */
export function viewerOf(actor: Actor): Asker | undefined {
  return actor.kind === 'peer' ? { peer: actor.peer, user: actor.user } : undefined
}

/**
 * The scopes that the caller may search. An API key: everything. A peer: its user's networks, and for objects also
 * its user's own. Errors: `not-found` for a network that the caller is not in.
 */
function scopesOf(actor: Actor, entity: Entity, network: NetworkId | undefined): readonly Scope[] {
  const networks = networksOf(actor)
  if (networks === undefined) return [network ?? EVERYTHING]
  if (network !== undefined && !networks.includes(network)) {
    throw new StraightwayError('not-found', 'network: there is no such network')
  }
  if (network !== undefined) return [network]
  return [...networks, ...(actor.kind === 'peer' && entity === 'object' ? [actor.user] : [])]
}
