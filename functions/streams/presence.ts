/**
 * Reacts to changes of presence. The nodes with members of the peer's networks are told if others see a difference. A
 * move to another node, a newer `lastSeenAt`, and any change while a peer is invisible make none.
 *
 * A presence item is removed only when its peer is deleted. The node where the peer was still signed in is told to
 * end the session.
 */
import { isDeepStrictEqual } from 'node:util'
import type { NetworkId } from '../../shared/ids.ts'
import { asSeenByOthers, type PresenceItem, type PresenceRecord } from '../../shared/presence.ts'
import { fromEnvironment } from '../environment.ts'
import { createEventNote } from '../webhooks/events.ts'
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
  oneReader(createPresence(context), createIndexNote(context.client), createEventNote(context.client)),
)

/**
 * The networks to tell: if others see a difference, those that the peer is in and was in. Otherwise those that it has
 * newly joined.
 */
function networksConcerned(change: Change<PresenceItem>): NetworkId[] {
  const { before, after } = change
  const [old, present] = [before?.networks ?? [], after?.networks ?? []]
  if (!isDeepStrictEqual(look(before), look(after))) return [...new Set([...old, ...present])]
  return look(after) === undefined ? [] : present.filter((network) => !old.includes(network))
}

/** The part of a presence item that others can tell apart. Undefined for a peer that is offline. */
function look(item: PresenceItem | undefined) {
  if (item === undefined) return undefined
  const { status, custom, metadata } = asSeenByOthers(item)
  return status === 'offline' ? undefined : { status, custom, metadata }
}

/** The record after the change. A removed peer is offline for good. */
function recordAfter({ before, after }: Change<PresenceItem>): PresenceRecord {
  if (after !== undefined) return asSeenByOthers(after)
  return asSeenByOthers({ ...before!, status: 'offline', version: before!.version + 1 })
}
