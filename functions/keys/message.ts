/** `$default`, with the fleet key read again at intervals (fresh.ts). */
import { contextFrom } from '../gateway/context.ts'
import { createMessage } from '../gateway/message.ts'
import { withSecrets } from './fresh.ts'

export const handler = withSecrets(contextFrom, createMessage)
