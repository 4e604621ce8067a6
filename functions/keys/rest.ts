/** INDEX, with its keys read again at intervals (fresh.ts). */
import { contextFrom } from '../rest/context.ts'
import { createHandler } from '../rest/handler.ts'
import { withSecrets } from './fresh.ts'

export const handler = withSecrets(contextFrom, createHandler)
