/** Mail was stored: where its recipient is signed in, it is fetched now. */

import type { PeerId } from '../../shared/ids.ts'
import { fromEnvironment } from '../environment.ts'
import { createAudience } from './audience.ts'
import { onChanges } from './changes.ts'
import { contextFrom, type StreamContext } from './context.ts'
import { createPusher } from './push.ts'

export function createMailboxReaction(context: StreamContext) {
  const push = createPusher(context)
  const audience = createAudience(context.client)
  return onChanges<{ peer: PeerId }, Set<PeerId>>(
    () => new Set(),
    async ({ before, after }, told) => {
      if (before !== undefined || after === undefined || told.has(after.peer)) return
      await push(await audience.ofPeer(after.peer), { kind: 'mail', peer: after.peer })
      told.add(after.peer)
    },
  )
}

export const handler = fromEnvironment(contextFrom, createMailboxReaction)
