/**
 * Reacts to a user that joins a network, changes its role there, or leaves it. Two groups of nodes are told: those
 * with members of the network, and those with the user's own peers, whose sessions are in the network from now on, or
 * no longer.
 */
import { activeRole } from '../../shared/model/membership.ts'
import type { Push } from '../../shared/push.ts'
import { type MembershipItem, toMembership } from '../../shared/store/memberships.ts'
import { fromEnvironment } from '../environment.ts'
import { createEventNote } from '../webhooks/events.ts'
import { createAudience } from './audience.ts'
import { onChanges } from './changes.ts'
import { contextFrom, type StreamContext } from './context.ts'
import { createIndexNote } from './index-note.ts'
import { oneReader } from './one-reader.ts'
import { createPusher } from './push.ts'

export function createMembership(context: StreamContext) {
  return onChanges<MembershipItem, ReturnType<typeof createAudience>>(
    createPusher(context),
    () => createAudience(context.client),
    async ({ before, after }, audience) => {
      const role = activeRole(after && toMembership(after))
      const roleBefore = activeRole(before && toMembership(before))
      if (roleBefore === role) return []
      const { network, user } = (after ?? before)!
      const [members, own] = await Promise.all([audience.ofNetworks([network]), audience.ofUser(user)])
      const isNew = roleBefore === undefined ? { isNew: true as const } : {}
      const push: Push = { kind: 'membership', network, user, role: role ?? null, ...isNew }
      return [{ nodes: new Set([...members, ...own]), push }]
    },
  )
}

export const handler = fromEnvironment(contextFrom, (context) =>
  oneReader(createMembership(context), createIndexNote(context.client), createEventNote(context.client)),
)
