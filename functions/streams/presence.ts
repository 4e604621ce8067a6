/**
 * Presence changed: the nodes with members of the peer's networks hear of it, where others see a difference. A move between
 * nodes, being seen again, and whatever an invisible peer does make none. An item is removed only when its peer is: the
 * node where it still was ends the session.
 */
import { isDeepStrictEqual } from 'node:util'
import type { NetworkId } from '../../shared/ids.ts'
import { asSeenByOthers, type PresenceItem, type PresenceRecord } from '../../shared/presence.ts'
import { fromEnvironment } from '../environment.ts'
import { createAudience } from './audience.ts'
import { type Change, onChanges, type Told } from './changes.ts'
import { contextFrom, type StreamContext } from './context.ts'
import { createIndexNote } from './index-note.ts'
import { oneReader } from './one-reader.ts'
import { createPusher } from './push.ts'

export function createPresence(context: StreamContext) {
  return onChanges<PresenceItem, ReturnType<typeof createAudience>>(
    createPusher(context),
    () => createAudience(context.client),
    async (change, audience) => {
      const lost = change.after === undefined ? change.before : undefined
      const ended: Told[] =
        lost?.node === undefined ? [] : [{ nodes: [lost.node], push: { kind: 'revoked', peer: lost.peer } }]
      const networks = networksConcerned(change)
      if (networks.length === 0) return ended
      const nodes = await audience.ofNetworks(networks)
      const { blocks = 0 } = (change.after ?? change.before)!
      const hidden = blocks > 0 ? { blocks } : {}
      return [
        ...ended,
        { nodes, push: { kind: 'presence', record: recordAfter(change), networks, ...hidden } },
      ]
    },
  )
}

export const handler = fromEnvironment(contextFrom, (context) =>
  oneReader(createPresence(context), createIndexNote(context.client)),
)

/** Those the peer is and was in, where it looks different; otherwise those that it is new to. */
function networksConcerned(change: Change<PresenceItem>): NetworkId[] {
  const { before, after } = change
  const [old, present] = [before?.networks ?? [], after?.networks ?? []]
  if (!isDeepStrictEqual(look(before), look(after))) return [...new Set([...old, ...present])]
  return look(after) === undefined ? [] : present.filter((network) => !old.includes(network))
}

/** What others can tell apart; undefined of a peer that is not there. */
function look(item: PresenceItem | undefined) {
  if (item === undefined) return undefined
  const { status, custom, metadata } = asSeenByOthers(item)
  return status === 'offline' ? undefined : { status, custom, metadata }
}

/** A peer that was removed is offline for good. */
function recordAfter({ before, after }: Change<PresenceItem>): PresenceRecord {
  if (after !== undefined) return asSeenByOthers(after)
  return asSeenByOthers({ ...before!, status: 'offline', version: before!.version + 1 })
}
