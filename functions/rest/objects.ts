/** Application objects: of a network, or private to their owner. */
import { StraightwayError } from '../../shared/errors.ts'
import type { NetworkId, UserId } from '../../shared/ids.ts'
import { objectCollectionSchema } from '../../shared/model/collection.ts'
import { objectIdSchema, objectSchema, type StoredObject } from '../../shared/model/object.ts'
import type { Resource } from '../../shared/model/permission.ts'
import { getCollection } from '../../shared/store/collections.ts'
import { expectVersion } from '../../shared/store/edits.ts'
import { requireNetwork } from '../../shared/store/networks.ts'
import * as store from '../../shared/store/objects.ts'
import { created, found, nothing, type Reply } from './reply.ts'
import {
  bodyOf,
  expectMay,
  expectVisible,
  headerOf,
  ifMatchOf,
  parameterOf,
  type Request,
} from './request.ts'
import { objectPatchSchema } from './schemas.ts'
import { listEntity } from './search.ts'

export function listObjects(request: Request): Promise<Reply> {
  return listEntity(request, 'object', parameterOf(request, 'collection', objectCollectionSchema))
}

/** Makes the object or replaces its value; with `If-None-Match: *` it only makes, with `If-Match` it only replaces. */
export async function putObject(request: Request): Promise<Reply> {
  const current = await store.getObject(request.context.client, keyOf(request))
  if (current === undefined) return makeObject(request)
  if (headerOf(request.event, 'if-none-match') !== undefined) throw TAKEN()
  return replaceObject(request, current)
}

export async function readObject(request: Request): Promise<Reply> {
  return found(await visibleObject(request))
}

export async function updateObject(request: Request): Promise<Reply> {
  await expectMayChange(request, await visibleObject(request))
  const { client, now } = request.context
  const { value } = bodyOf(request, objectPatchSchema)
  const edit = { patch: value, ifVersion: ifMatchOf(request), now: now() }
  return found(await store.patchObject(client, keyOf(request), edit))
}

export async function deleteObject(request: Request): Promise<Reply> {
  const object = await visibleObject(request)
  await expectMayChange(request, object)
  await store.deleteObject(request.context.client, object, ifMatchOf(request))
  return nothing()
}

async function makeObject(request: Request): Promise<Reply> {
  const { actor, context } = request
  const { network, value } = bodyOf(request, objectSchema)
  const owner = actor.kind === 'peer' ? actor.user : undefined
  expectMay(request, 'object.create', resourceOf({ owner, network }))
  if (ifMatchOf(request) !== undefined)
    throw new StraightwayError('not-found', 'There is no such object to replace')
  if (network === undefined && owner === undefined) {
    throw new StraightwayError('bad-request', 'network: an API key makes objects of networks only')
  }
  if (network !== undefined) await requireNetwork(context.client, network)
  const object = { ...keyOf(request), network, owner, value }
  const made = await store.createObject(context.client, object, context.now())
  return created(made, `/v1/objects/${made.collection}/${made.id}`)
}

/** Of what the caller may not see, only that the id is taken can be told. */
async function replaceObject(request: Request, current: StoredObject): Promise<Reply> {
  const { client, now } = request.context
  try {
    expectVisible(request, 'object.read', resourceOf(current))
  } catch {
    throw TAKEN()
  }
  await expectMayChange(request, current)
  const { network = current.network, value } = bodyOf(request, objectSchema)
  if (network !== current.network)
    throw new StraightwayError('bad-request', 'network: an object stays where it is')
  expectVersion(current.version, ifMatchOf(request))
  return found(await store.replaceObject(client, current, value, now()))
}

async function visibleObject(request: Request): Promise<StoredObject> {
  const object = await store.getObject(request.context.client, keyOf(request))
  if (object === undefined) throw new StraightwayError('not-found')
  expectVisible(request, 'object.read', resourceOf(object))
  return object
}

async function expectMayChange(request: Request, object: StoredObject): Promise<void> {
  const declared = await getCollection(request.context.client, object.collection)
  expectMay(request, 'object.change', { ...resourceOf(object), shared: declared?.editable === 'members' })
}

function keyOf(request: Request): store.ObjectKey {
  const collection = parameterOf(request, 'collection', objectCollectionSchema)
  return { collection, id: parameterOf(request, 'id', objectIdSchema) }
}

function resourceOf({ owner, network }: Place): Resource {
  return { user: owner, ...(network && { networks: [network] }) }
}

interface Place {
  readonly owner?: UserId | undefined
  readonly network?: NetworkId | undefined
}

const TAKEN = () => new StraightwayError('conflict', 'There is an object of this id: choose another id')
