/** Application objects: of a network, or private to their owner. */
import { StraightwayError } from '../../shared/errors.ts'
import type { NetworkId, UserId } from '../../shared/ids.ts'
import { objectCollectionSchema } from '../../shared/model/collection.ts'
import { objectSchema, type StoredObject } from '../../shared/model/object.ts'
import { type Ground, may, type Resource } from '../../shared/model/permission.ts'
import { expectVersion, type Precondition } from '../../shared/model/precondition.ts'
import { getCollection } from '../../shared/store/collections.ts'
import { requireNetwork } from '../../shared/store/networks.ts'
import * as store from '../../shared/store/objects.ts'
import { objectAnswer, pageOf } from './answers.ts'
import { created, found, nothing, type Reply } from './reply.ts'
import { expectMay, expectVisible, type Request } from './request.ts'
import { route, SEARCH } from './route.ts'
import { objectPatchSchema } from './schemas.ts'
import { listEntity } from './search.ts'

const tag = 'Objects'

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
    summary: 'Make an object or replace its value',
    body: objectSchema,
    example: { network: 'n_aaaaaaaaaaaaaaaa', value: { level: 3, open: true } },
    answers: { 200: objectAnswer, 201: objectAnswer },
    errors: ['conflict'],
    conditional: true,
    async handle(call) {
      const key = keyOf(call.path)
      const current = await store.getObject(call.context.client, key)
      if (current === undefined) return makeObject(call, key, call.body(), call.allow)
      return replaceObject(call, current, call.body)
    },
  }),
  route({
    operation: 'readObject',
    door: 'GET /v1/objects/{collection}/{id}',
    who: 'credential',
    permission: 'object.read',
    tag,
    summary: 'An object',
    answers: { 200: objectAnswer },
    handle: async (call) => found(await visibleObject(call), call.precondition),
  }),
  route({
    operation: 'updateObject',
    door: 'PATCH /v1/objects/{collection}/{id}',
    who: 'credential',
    permission: 'object.change',
    tag,
    summary: 'Change the value (merge patch)',
    body: objectPatchSchema,
    example: { value: { level: 4, open: null } },
    answers: { 200: objectAnswer },
    conditional: true,
    async handle(call) {
      const object = await visibleObject(call)
      const grounds = await changeGrounds(call, object)
      expectVersion(object.version, call.precondition)
      const { client, now } = call.context
      return found(await store.patchObject(client, object, call.body().value, now(), grounds))
    },
  }),
  route({
    operation: 'deleteObject',
    door: 'DELETE /v1/objects/{collection}/{id}',
    who: 'credential',
    permission: 'object.change',
    tag,
    summary: 'Delete an object',
    answers: { 204: null },
    conditional: true,
    async handle(call) {
      const object = await visibleObject(call)
      const grounds = await changeGrounds(call, object)
      expectVersion(object.version, call.precondition)
      await store.deleteObject(call.context.client, object, grounds)
      return nothing()
    },
  }),
]

type Given = ReturnType<typeof objectSchema.parse>
type Conditional = Request & { readonly precondition: Precondition }

async function makeObject(
  { actor, context, precondition }: Conditional,
  key: store.ObjectKey,
  { network, value }: Given,
  allow: (resource: Resource) => readonly Ground[],
): Promise<Reply> {
  const owner = actor.kind === 'peer' ? actor.user : undefined
  const grounds = allow(resourceOf({ owner, network }))
  expectVersion(undefined, precondition)
  if (network === undefined && owner === undefined) {
    throw new StraightwayError('bad-request', 'network: an API key makes objects of networks only')
  }
  if (network !== undefined) await requireNetwork(context.client, network)
  const object = { ...key, network, owner, value }
  const made = await store.createObject(context.client, object, context.now(), grounds)
  return created(made, `/v1/objects/${made.collection}/${made.id}`)
}

/** Of what the caller may not see, only that the id is taken can be told. */
async function replaceObject(call: Conditional, current: StoredObject, body: () => Given): Promise<Reply> {
  const { context, actor, precondition } = call
  if (!may(actor, 'object.read', resourceOf(current))) throw TAKEN()
  const grounds = await changeGrounds(call, current)
  const { network = current.network, value } = body()
  expectVersion(current.version, precondition)
  if (network !== current.network)
    throw new StraightwayError('bad-request', 'network: an object stays where it is')
  const write = precondition.match === undefined ? store.overwriteObject : store.replaceObject
  return found(await write(context.client, current, value, context.now(), grounds))
}

async function visibleObject(
  call: Request & { readonly path: { readonly collection: string; readonly id: string } },
): Promise<StoredObject> {
  const object = await store.getObject(call.context.client, keyOf(call.path))
  if (object === undefined) throw new StraightwayError('not-found')
  expectVisible(call, 'object.read', resourceOf(object))
  return object
}

/** What allows the caller to change the object: a membership, and the declaration where it takes that one. */
async function changeGrounds(
  { context, actor }: Request,
  object: StoredObject,
): Promise<store.ObjectGrounds> {
  const resource = resourceOf(object)
  if (may(actor, 'object.change', resource))
    return { memberships: expectMay(actor, 'object.change', resource) }
  const declared = await getCollection(context.client, object.collection)
  const shared = declared?.editable === 'members'
  return { memberships: expectMay(actor, 'object.change', { ...resource, shared }), declared }
}

function keyOf({ collection, id }: store.ObjectKey): store.ObjectKey {
  return { collection: objectsIn(collection), id }
}

/** Errors: `not-found` for the names that stand for users, networks and peers. */
function objectsIn(collection: string): string {
  const result = objectCollectionSchema.safeParse(collection)
  if (result.success) return result.data
  throw new StraightwayError('not-found', `collection: ${result.error.issues[0]?.message}`)
}

function resourceOf({ owner, network }: Place): Resource {
  return { user: owner, ...(network && { networks: [network] }) }
}

interface Place {
  readonly owner?: UserId | undefined
  readonly network?: NetworkId | undefined
}

const TAKEN = () => new StraightwayError('conflict', 'There is an object of this id: choose another id')
