/** Every route of INDEX. `npm run openapi` writes routes.ts and the OpenAPI document after a change. */

import { z } from 'zod'
import { apiKeyRoutes } from './api-keys.ts'
import { auditRoutes } from './audit.ts'
import { batchRoutes } from './batches.ts'
import { blockRoutes } from './blocks.ts'
import { collectionRoutes } from './collections.ts'
import { entryRoutes } from './entry.ts'
import { inviteRoutes } from './invites.ts'
import { jobRoutes } from './jobs.ts'
import { memberRoutes } from './members.ts'
import { networkRoutes } from './networks.ts'
import { objectRoutes } from './objects.ts'
import { describeApi } from './openapi.ts'
import { peerRoutes } from './peers.ts'
import { ok } from './reply.ts'
import { type Route, route } from './route.ts'
import { searchRoutes } from './search.ts'
import { userRoutes } from './users.ts'
import { webhookRoutes } from './webhooks.ts'

export const API: readonly Route[] = [
  ...entryRoutes,
  route({
    operation: 'readOpenapi',
    door: 'GET /v1/openapi.json',
    who: 'anybody',
    tag: 'Start',
    summary: 'This description',
    answers: { 200: z.looseObject({ openapi: z.string() }) },
    handle: async () => ok(describeApi(API), { 'cache-control': 'public, max-age=300' }),
  }),
  ...userRoutes,
  ...blockRoutes,
  ...networkRoutes,
  ...memberRoutes,
  ...inviteRoutes,
  ...peerRoutes,
  ...collectionRoutes,
  ...objectRoutes,
  ...batchRoutes,
  ...searchRoutes,
  ...jobRoutes,
  ...apiKeyRoutes,
  ...auditRoutes,
  ...webhookRoutes,
]
