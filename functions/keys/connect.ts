/** `$connect`, with its key read anew from time to time. */

import { createConnect } from '../gateway/connect.ts'
import { contextFrom } from '../gateway/context.ts'
import { withSecrets } from './fresh.ts'

export const handler = withSecrets(contextFrom, createConnect)
