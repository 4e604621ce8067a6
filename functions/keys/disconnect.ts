/** `$disconnect`, with the fleet key read again at intervals (fresh.ts). */
import { contextFrom } from '../gateway/context.ts'
import { createDisconnect } from '../gateway/disconnect.ts'
import { withSecrets } from './fresh.ts'

export const handler = withSecrets(contextFrom, createDisconnect)
