/** API keys: only an admin key sees and changes them. */
import { StraightwayError } from '../../shared/errors.ts'
import { newApiKeySchema } from '../../shared/model/api-key.ts'
import * as store from '../../shared/store/api-keys.ts'
import { created, nothing, page, type Reply } from './reply.ts'
import { bodyOf, expectMay, pageOf, parameterOf, type Request } from './request.ts'
import { apiKeyIdSchema } from './schemas.ts'

export async function createApiKey(request: Request): Promise<Reply> {
  expectMay(request, 'key.change')
  const { client, now } = request.context
  const { apiKey, token } = await store.createApiKey(client, bodyOf(request, newApiKeySchema), now())
  return created({ ...apiKey, token }, `/v1/api-keys/${apiKey.key}`)
}

export async function listApiKeys(request: Request): Promise<Reply> {
  expectMay(request, 'key.read')
  return page(await store.listApiKeys(request.context.client, pageOf(request)))
}

export async function deleteApiKey(request: Request): Promise<Reply> {
  expectMay(request, 'key.change')
  const removed = await store.deleteApiKey(
    request.context.client,
    parameterOf(request, 'key', apiKeyIdSchema),
  )
  if (!removed) throw new StraightwayError('not-found', 'There is no such API key')
  return nothing()
}
