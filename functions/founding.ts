/**
 * Makes the first admin key of a system and answers with it. Called by hand once, after the first deployment. The key
 * is shown this one time; every later call fails with `conflict`.
 */
import middy from '@middy/core'
import { StraightwayError } from '../shared/errors.ts'
import { createApiKeys } from '../shared/store/api-keys.ts'
import { createClient } from '../shared/store/client.ts'
import { fromEnvironment } from './environment.ts'

export const handler = fromEnvironment(
  ({ DYNAMODB_ENDPOINT: endpoint }) => createClient({ endpoint }),
  (client) =>
    middy<object, { readonly adminKey: string }>().handler(async () => {
      const made = await createApiKeys(client).createFirst(Date.now())
      if (made === undefined)
        throw new StraightwayError('conflict', 'The admin key was made and told before.')
      return { adminKey: made.token }
    }),
)
