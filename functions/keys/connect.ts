/** `$connect`, with the fleet key read again at intervals (fresh.ts). */

import { createConnect } from '../gateway/connect.ts'
import { contextFrom } from '../gateway/context.ts'
import { withSecrets } from './fresh.ts'

export const handler = withSecrets(contextFrom, createConnect)
