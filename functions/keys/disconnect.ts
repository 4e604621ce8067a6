/** `$disconnect`, with its key read anew from time to time. */
import { contextFrom } from '../gateway/context.ts'
import { createDisconnect } from '../gateway/disconnect.ts'
import { withSecrets } from './fresh.ts'

export const handler = withSecrets(contextFrom, createDisconnect)
