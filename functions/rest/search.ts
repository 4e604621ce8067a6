/** Searching and listing: one way for every entity, within what the caller may see. */
import { z } from 'zod'
import { StraightwayError } from '../../shared/errors.ts'
import type { NetworkId } from '../../shared/ids.ts'
import { type Entity, objectCollectionSchema } from '../../shared/model/collection.ts'
import { networkIdSchema } from '../../shared/model/identifiers.ts'
import { EVERYTHING } from '../../shared/model/search/terms.ts'
import { type Scope, search as searchStore } from '../../shared/store/search.ts'
import { page, type Reply } from './reply.ts'
import { expectMay, pageOf, queryOf, type Request } from './request.ts'

const entitySchema = z.enum(['user', 'network', 'peer', 'object'])

export async function search(request: Request): Promise<Reply> {
  const entity = entitySchema.safeParse(queryOf(request, 'entity'))
  if (!entity.success) throw new StraightwayError('bad-request', 'entity: one of user, network, peer, object')
  if (entity.data !== 'object') return listEntity(request, entity.data)
  const collection = objectCollectionSchema.safeParse(queryOf(request, 'collection'))
  if (!collection.success) throw new StraightwayError('bad-request', 'collection: name the one to search')
  return listEntity(request, 'object', collection.data)
}

const orderSchema = z.enum(['ascending', 'descending']).default('ascending')

/** `?filter=&network=&sortBy=&sortOrder=&limit=&cursor=`. */
export async function listEntity(request: Request, entity: Entity, collection?: string): Promise<Reply> {
  expectMay(request, 'search')
  const order = orderSchema.safeParse(queryOf(request, 'sortOrder'))
  if (!order.success) throw new StraightwayError('bad-request', 'sortOrder: ascending or descending')
  const found = await searchStore(request.context.client, {
    ...{ entity, collection, scopes: scopesOf(request, entity), filter: queryOf(request, 'filter') },
    ...{ sortBy: queryOf(request, 'sortBy'), descending: order.data === 'descending' },
    ...pageOf(request),
  })
  return page(found)
}

/** An API key searches everything, a peer the networks of its user, and among objects the user's own. */
function scopesOf(request: Request, entity: Entity): readonly Scope[] {
  const { actor } = request
  const network = networkOf(request)
  if (actor.kind !== 'peer') return [network ?? EVERYTHING]
  if (network !== undefined && !actor.roles.has(network)) {
    throw new StraightwayError('not-found', 'network: there is no such network')
  }
  if (network !== undefined) return [network]
  return [...actor.roles.keys(), ...(entity === 'object' ? [actor.user] : [])]
}

function networkOf(request: Request): NetworkId | undefined {
  const text = queryOf(request, 'network')
  if (text === undefined) return undefined
  const network = networkIdSchema.safeParse(text)
  if (!network.success) throw new StraightwayError('bad-request', 'network: is no network id')
  return network.data
}
