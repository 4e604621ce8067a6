/** Routes for the declarations of collections. */
import { StraightwayError } from '../../shared/errors.ts'
import type { NetworkId } from '../../shared/ids.ts'
import { collectionSchema, ENTITY_COLLECTIONS } from '../../shared/model/collection.ts'
import { networkIdSchema } from '../../shared/model/identifiers.ts'
import { networksOf } from '../../shared/model/permission.ts'
import { expectVersion } from '../../shared/model/precondition.ts'
import { createCollections } from '../../shared/store/collections.ts'
import { createObjects } from '../../shared/store/objects.ts'
import { collectionAnswer, pageOf } from './answers.ts'
import { found, nothing, page } from './reply.ts'
import { expectVisible, type Request } from './request.ts'
import { PAGE, route } from './route.ts'

const tag = 'Collections'

interface Sight extends Request {
  readonly path: { readonly collection: string }
  readonly query: { readonly network?: NetworkId | undefined }
}

/**
 * True if the caller may know that a collection exists: its name could reveal what other tenants do. An API key may
 * know every collection. A peer, or a key of some networks, may know
 *
 *   - the three collections that stand for users, networks and peers;
 *   - a collection with objects in the network of the query, or, without a network, among its user's own objects.
 *
 * Errors: `not-found` if the peer is not in the network of the query.
 */
async function isInSight(call: Sight): Promise<boolean> {
  const { actor, context, path, query } = call
  if (networksOf(actor) === undefined || Object.values(ENTITY_COLLECTIONS).includes(path.collection))
    return true
  const { network } = query
  if (network !== undefined) expectVisible(call, 'object.read', { networks: [network] })
  const place = network ?? (actor.kind === 'peer' ? actor.user : undefined)
  return place !== undefined && createObjects(context.client).isHeld(path.collection, place)
}

const NONE = () => new StraightwayError('not-found', 'Nothing is declared of this collection')

export const collectionRoutes = [
  route({
    operation: 'listCollections',
    door: 'GET /v1/collections',
    who: 'credential',
    permission: 'collection.list',
    tag,
    summary: 'Lists the declared collections; for API keys',
    query: PAGE,
    answers: { 200: pageOf(collectionAnswer) },
    async handle({ context, allow, query }) {
      allow()
      return page(await createCollections(context.client).list(query))
    },
  }),
  route({
    operation: 'readCollection',
    door: 'GET /v1/collections/{collection}',
    who: 'credential',
    permission: 'collection.read',
    tag,
    summary: 'Reads the declaration of a collection; a peer may, if it or a network of it has objects there',
    query: { network: networkIdSchema.optional() },
    answers: { 200: collectionAnswer },
    async handle(call) {
      const { context, allow, path, precondition } = call
      allow()
      if (!(await isInSight(call))) throw NONE()
      const collection = await createCollections(context.client).get(path.collection)
      if (collection === undefined) throw NONE()
      return found(collection, precondition)
    },
  }),
  route({
    operation: 'putCollection',
    door: 'PUT /v1/collections/{collection}',
    who: 'key',
    permission: 'collection.change',
    tag,
    summary: 'Declare what is searchable and who edits',
    body: collectionSchema,
    example: { searchable: ['value.level'], editable: 'members' },
    answers: { 200: collectionAnswer },
    conditional: true,
    async handle({ context: { client, now }, allow, path, body, precondition }) {
      allow()
      const declaration = { ...path, ...body() }
      const ofEntity = Object.values(ENTITY_COLLECTIONS).includes(path.collection)
      if (!ofEntity && Object.keys(declaration.visibility).length > 0)
        throw new StraightwayError('bad-request', 'visibility: of users, networks and peers only')
      return found(await createCollections(client).put(declaration, { now: now(), precondition }))
    },
  }),
  route({
    operation: 'deleteCollection',
    door: 'DELETE /v1/collections/{collection}',
    who: 'key',
    permission: 'collection.change',
    tag,
    summary: 'Take the declaration of an empty collection back',
    answers: { 204: null },
    errors: ['conflict'],
    conditional: true,
    async handle({ context: { client }, allow, path, precondition }) {
      allow()
      const collection = await createCollections(client).get(path.collection)
      if (collection === undefined) throw NONE()
      expectVersion(collection.version, precondition)
      if ((await createObjects(client).listKeys(path.collection, 1)).length > 0) {
        throw new StraightwayError('conflict', 'The collection holds objects: delete them first')
      }
      await createCollections(client).delete(collection)
      return nothing()
    },
  }),
]
