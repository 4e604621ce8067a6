/**
 * Routes for application objects. An object belongs to a network, or is private to its owner. The query names this
 * place: by `network`, or, for API keys, by `owner`. In a place that the caller may not see, every id answers
 * `not-found`.
 */
import { StraightwayError } from '../../shared/errors.ts'
import type { NetworkId, UserId } from '../../shared/ids.ts'
import { objectCollectionSchema } from '../../shared/model/collection.ts'
import { networkIdSchema, userIdSchema } from '../../shared/model/identifiers.ts'
import { objectSchema, type Place, placeOf, type StoredObject } from '../../shared/model/object.ts'
import { type Ground, may, type Resource } from '../../shared/model/permission.ts'
import { expectVersion, type Precondition } from '../../shared/model/precondition.ts'
import { createCollections } from '../../shared/store/collections.ts'
import { createNetworks } from '../../shared/store/networks.ts'
import { createObjects, type ObjectGrounds, type ObjectKey } from '../../shared/store/objects.ts'
import { objectAnswer, pageOf } from './answers.ts'
import { created, found, nothing, type Reply } from './reply.ts'
import { expectMay, expectVisible, type Request } from './request.ts'
import { route, SEARCH } from './route.ts'
import { objectPatchSchema } from './schemas.ts'
import { listEntity } from './search.ts'

const tag = 'Objects'

/** Objects are what an application stores; nobody administers anything by them. */
export const unrecorded = 'It is content of the application'

/** The place of an object. Default: the caller's own objects. */
export const PLACE = { network: networkIdSchema.optional(), owner: userIdSchema.optional() }

export const objectRoutes = [
  route({
    operation: 'listObjects',
    door: 'GET /v1/objects/{collection}',
    who: 'credential',
    permission: 'search',
    tag,
    summary: 'Objects of a collection',
    query: SEARCH,
    answers: { 200: pageOf(objectAnswer) },
    handle: (call) => listEntity(call, 'object', objectsIn(call.path.collection)),
  }),
  route({
    operation: 'putObject',
    door: 'PUT /v1/objects/{collection}/{id}',
    who: 'credential',
    permission: 'object.create',
    tag,
    unrecorded,
    summary: 'Make an object or replace its value; in a network, or private to the caller',
    query: PLACE,
    body: objectSchema,
    example: { value: { level: 3, open: true } },
    answers: { 200: objectAnswer, 201: objectAnswer },
    conditional: true,
    async handle(call) {
      const key = visibleKey(call)
      const current = await createObjects(call.context.client).get(key)
      if (current === undefined) return makeObject(call, key, call.body().value, call.allow)
      return replaceObject(call, current, () => call.body().value)
    },
  }),
  route({
    operation: 'readObject',
    door: 'GET /v1/objects/{collection}/{id}',
    who: 'credential',
    permission: 'object.read',
    tag,
    summary: 'An object',
    query: PLACE,
    answers: { 200: objectAnswer },
    handle: async (call) => found(await visibleObject(call), call.precondition),
  }),
  route({
    operation: 'updateObject',
    door: 'PATCH /v1/objects/{collection}/{id}',
    who: 'credential',
    permission: 'object.change',
    tag,
    unrecorded,
    summary: 'Change the value (merge patch)',
    query: PLACE,
    body: objectPatchSchema,
    example: { value: { level: 4, open: null } },
    answers: { 200: objectAnswer },
    conditional: true,
    async handle(call) {
      const object = await visibleObject(call)
      const grounds = await changeGrounds(call, object)
      expectVersion(object.version, call.precondition)
      const { client, now } = call.context
      return found(await createObjects(client).patch(object, call.body().value, now(), grounds))
    },
  }),
  route({
    operation: 'deleteObject',
    door: 'DELETE /v1/objects/{collection}/{id}',
    who: 'credential',
    permission: 'object.change',
    tag,
    unrecorded,
    summary: 'Delete an object',
    query: PLACE,
    answers: { 204: null },
    conditional: true,
    async handle(call) {
      const object = await visibleObject(call)
      const grounds = await changeGrounds(call, object)
      expectVersion(object.version, call.precondition)
      await createObjects(call.context.client).delete(object, grounds)
      return nothing()
    },
  }),
]

type Given = ReturnType<typeof objectSchema.parse>
type Conditional = Request & { readonly precondition: Precondition }

/** The request with the parameters that identify an object. */
interface Named extends Placed {
  readonly path: { readonly collection: string; readonly id: string }
}

async function makeObject(
  { actor, context, precondition, query }: Conditional & Named,
  { collection, id }: ObjectKey,
  value: Given['value'],
  allow: (resource: Resource) => readonly Ground[],
): Promise<Reply> {
  const { network } = query
  const owner = actor.kind === 'peer' ? actor.user : undefined
  const grounds = allow(resourceOf({ owner, network }))
  expectVersion(undefined, precondition)
  if (network === undefined && owner === undefined)
    throw new StraightwayError('bad-request', 'network: an API key makes objects of networks only')
  if (network !== undefined) await createNetworks(context.client).require(network)
  const object = { collection, id, network, owner, value }
  const made = await createObjects(context.client).create(object, context.now(), grounds)
  return created(made, locationOf(made))
}

async function replaceObject(
  call: Conditional,
  current: StoredObject,
  given: () => Given['value'],
): Promise<Reply> {
  const { context, precondition } = call
  const grounds = await changeGrounds(call, current)
  const value = given()
  expectVersion(current.version, precondition)
  const objects = createObjects(context.client)
  const write = precondition.match === undefined ? objects.overwrite : objects.replace
  return found(await write(current, value, context.now(), grounds))
}

/** The object. Errors: `not-found`, also for every id in a place that the caller may not see. */
async function visibleObject(call: Named): Promise<StoredObject> {
  const object = await createObjects(call.context.client).get(visibleKey(call))
  if (object === undefined) throw new StraightwayError('not-found')
  return object
}

/**
 * The key of the object. Errors: `not-found` for a place that the caller may not see; `bad-request` for an API key
 * that names no place.
 */
function visibleKey(call: Named): ObjectKey {
  return { ...placeIn(call), id: call.path.id }
}

/** The request with the parameters that identify a place. */
export interface Placed extends Request {
  readonly path: { readonly collection: string }
  readonly query: { readonly network?: NetworkId | undefined; readonly owner?: UserId | undefined }
}

/** The collection and place of the request. Errors: as above. */
export function placeIn(call: Placed): Omit<ObjectKey, 'id'> {
  const { actor, path, query } = call
  const { network, owner } = query
  if (network !== undefined && owner !== undefined)
    throw new StraightwayError('bad-request', 'owner: name the network or the owner, not both')
  const own = actor.kind === 'peer' ? actor.user : undefined
  const place = network === undefined ? { owner: owner ?? own } : { network }
  const key = { collection: objectsIn(path.collection), place: placeOf(place) }
  expectVisible(call, 'object.read', resourceOf(place))
  return key
}

/**
 * The facts that allow the caller to change the object: its memberships, and the collection's declaration if the
 * right depends on it.
 */
export async function changeGrounds(
  { context, actor }: Request,
  object: StoredObject,
): Promise<ObjectGrounds> {
  const resource = resourceOf(object)
  if (may(actor, 'object.change', resource))
    return { memberships: expectMay(actor, 'object.change', resource) }
  const declared = await createCollections(context.client).get(object.collection)
  const shared = declared?.editable === 'members'
  return { memberships: expectMay(actor, 'object.change', { ...resource, shared }), declared }
}

/** The name of a collection of objects. Errors: `not-found` for the names that stand for users, networks and peers. */
function objectsIn(collection: string): string {
  const result = objectCollectionSchema.safeParse(collection)
  if (result.success) return result.data
  throw new StraightwayError('not-found', `collection: ${result.error.issues[0]?.message}`)
}

function locationOf(object: StoredObject): string {
  const place: Place = placeOf(object)
  const name = object.network === undefined ? 'owner' : 'network'
  return `/v1/objects/${object.collection}/${object.id}?${name}=${place}`
}

export function resourceOf({ owner, network }: Named['query']): Resource {
  return { user: owner, ...(network && { networks: [network] }) }
}
