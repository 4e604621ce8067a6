/** Reacts to stored mail: the node where its recipient is signed in is told to fetch it. */

import type { PeerId } from '../../shared/ids.ts'
import { isUnread } from '../../shared/store/mailbox.ts'
import { fromEnvironment } from '../environment.ts'
import { type Audience, createAudience } from './audience.ts'
import { onChanges } from './changes.ts'
import { contextFrom, type StreamContext } from './context.ts'
import { createPusher } from './push.ts'

export function createMailboxReaction(context: StreamContext) {
  return onChanges<{ peer: PeerId }, Scope>(
    createPusher(context),
    () => ({ audience: createAudience(context.client), told: new Set() }),
    async ({ before, after }, { audience, told }) => {
      if (before !== undefined || after === undefined || told.has(after.peer) || isUnread(after.peer))
        return []
      told.add(after.peer)
      return [{ nodes: await audience.ofPeer(after.peer), push: { kind: 'mail', peer: after.peer } }]
    },
  )
}

interface Scope {
  readonly audience: Audience
  /** Peers with mail in this batch; each is notified once. */
  readonly told: Set<PeerId>
}

export const handler = fromEnvironment(contextFrom, createMailboxReaction)
