/**
 * Routes for the blocks of a user. After a change the stream notifies the nodes where the user's peers are signed in
 * (functions/streams/metadata.ts), so a block takes effect within about a second.
 */
import type { z } from 'zod'
import { createBlocks } from '../../shared/store/blocks.ts'
import { pageOf } from './answers.ts'
import { nothing, page } from './reply.ts'
import { PAGE, PARAMETERS, route } from './route.ts'
import { visibleUser } from './users.ts'

const tag = 'Users'

export const blockRoutes = [
  route({
    operation: 'listBlocks',
    door: 'GET /v1/users/{user}/blocks',
    who: 'credential',
    permission: 'blocks.read',
    tag,
    summary: 'Lists the peers and users that a user blocks',
    query: PAGE,
    answers: { 200: pageOf(PARAMETERS.blocked as z.ZodType) },
    async handle(call) {
      const user = await visibleUser(call)
      call.allow(user)
      return page(await createBlocks(call.context.client).list(user.user, call.query))
    },
  }),
  route({
    operation: 'putBlock',
    door: 'PUT /v1/users/{user}/blocks/{blocked}',
    who: 'credential',
    permission: 'blocks.change',
    tag,
    summary: 'Block a peer or a user',
    answers: { 204: null },
    errors: ['too-large'],
    async handle(call) {
      const { user } = await visibleUser(call)
      call.allow({ user })
      const { client, now } = call.context
      await createBlocks(client).add(user, call.path.blocked, now())
      return nothing()
    },
  }),
  route({
    operation: 'deleteBlock',
    door: 'DELETE /v1/users/{user}/blocks/{blocked}',
    who: 'credential',
    permission: 'blocks.change',
    tag,
    summary: 'Take a block back',
    answers: { 204: null },
    async handle(call) {
      const { user } = await visibleUser(call)
      call.allow({ user })
      await createBlocks(call.context.client).remove(user, call.path.blocked)
      return nothing()
    },
  }),
]
