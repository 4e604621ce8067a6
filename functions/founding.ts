/**
 * Called by hand, once, after the first deployment: makes the admin key of the system and answers with it. It is told once;
 * called again, there is nothing to tell.
 */
import middy from '@middy/core'
import { StraightwayError } from '../shared/errors.ts'
import { createFirstApiKey } from '../shared/store/api-keys.ts'
import { createClient } from '../shared/store/client.ts'
import { fromEnvironment } from './environment.ts'

export const handler = fromEnvironment(
  ({ DYNAMODB_ENDPOINT: endpoint }) => createClient({ endpoint }),
  (client) =>
    middy<object, { readonly adminKey: string }>().handler(async () => {
      const made = await createFirstApiKey(client, Date.now())
      if (made === undefined)
        throw new StraightwayError('conflict', 'The admin key was made and told before.')
      return { adminKey: made.token }
    }),
)
