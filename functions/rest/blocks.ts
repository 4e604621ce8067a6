/**
 * Whom a user blocks: a list that rides in the tickets of its peers. Nodes where they are signed in are told of a change
 * by the stream (functions/streams/metadata.ts), so that it holds at once.
 */
import { z } from 'zod'
import { peerIdSchema, userIdSchema } from '../../shared/model/identifiers.ts'
import { addBlock, removeBlock } from '../../shared/store/users.ts'
import { nothing, page, type Reply } from './reply.ts'
import { expectMay, parameterOf, type Request } from './request.ts'
import { visibleUser } from './users.ts'

const blockedSchema = z.union([peerIdSchema, userIdSchema])

export async function listBlocks(request: Request): Promise<Reply> {
  const user = await visibleUser(request)
  expectMay(request, 'blocks.read', user)
  return page({ items: user.blocks })
}

export async function putBlock(request: Request): Promise<Reply> {
  const { user } = await visibleUser(request)
  expectMay(request, 'blocks.change', { user })
  await addBlock(request.context.client, user, parameterOf(request, 'blocked', blockedSchema))
  return nothing()
}

export async function deleteBlock(request: Request): Promise<Reply> {
  const { user } = await visibleUser(request)
  expectMay(request, 'blocks.change', { user })
  await removeBlock(request.context.client, user, parameterOf(request, 'blocked', blockedSchema))
  return nothing()
}
