/** `$default`, with its key read anew from time to time. */
import { contextFrom } from '../gateway/context.ts'
import { createMessage } from '../gateway/message.ts'
import { withSecrets } from './fresh.ts'

export const handler = withSecrets(contextFrom, createMessage)
