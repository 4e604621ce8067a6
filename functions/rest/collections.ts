/** Declarations of collections. */
import { StraightwayError } from '../../shared/errors.ts'
import { collectionNameSchema, collectionSchema } from '../../shared/model/collection.ts'
import * as store from '../../shared/store/collections.ts'
import { listObjectIds } from '../../shared/store/objects.ts'
import { found, nothing, page, type Reply } from './reply.ts'
import { bodyOf, expectMay, ifMatchOf, pageOf, parameterOf, type Request } from './request.ts'

export async function listCollections(request: Request): Promise<Reply> {
  expectMay(request, 'collection.read')
  return page(await store.listCollections(request.context.client, pageOf(request)))
}

export async function readCollection(request: Request): Promise<Reply> {
  expectMay(request, 'collection.read')
  const name = parameterOf(request, 'collection', collectionNameSchema)
  const collection = await store.getCollection(request.context.client, name)
  if (collection === undefined)
    throw new StraightwayError('not-found', 'Nothing is declared of this collection')
  return found(collection)
}

export async function putCollection(request: Request): Promise<Reply> {
  expectMay(request, 'collection.change')
  const { client, now } = request.context
  const collection = parameterOf(request, 'collection', collectionNameSchema)
  const declaration = { collection, ...bodyOf(request, collectionSchema) }
  return found(await store.putCollection(client, declaration, { now: now(), ifVersion: ifMatchOf(request) }))
}

export async function deleteCollection(request: Request): Promise<Reply> {
  expectMay(request, 'collection.change')
  const { client } = request.context
  const collection = parameterOf(request, 'collection', collectionNameSchema)
  if ((await listObjectIds(client, collection, 1)).length > 0) {
    throw new StraightwayError('conflict', 'The collection holds objects: delete them first')
  }
  await store.deleteCollection(client, collection)
  return nothing()
}
