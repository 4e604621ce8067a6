/**
 * Reacts to changes of the fleet: a node is new, drains, has other addresses, or is gone. Every node is told.
 * Renewals and changes of load are not pushed; nodes read them with the leases.
 *
 * If a node is gone and its lease was not removed by the reaper, the lease is put back as an ended one: the reaper then
 * finds it, and clears what the tables may still hold of the node.
 */
import { isDeepStrictEqual } from 'node:util'
import type { FleetItem } from '../../shared/directory.ts'
import { createFleet, isCleared, isPutBack, type LeaseItem, withoutNotes } from '../../shared/store/fleet.ts'
import { fromEnvironment } from '../environment.ts'
import { createAudience } from './audience.ts'
import { onChanges } from './changes.ts'
import { contextFrom, type StreamContext } from './context.ts'
import { createPusher } from './push.ts'

export function createFleetReaction(context: StreamContext) {
  const { client } = context
  const fleet = createFleet(client)
  return onChanges<LeaseItem, ReturnType<typeof createAudience>>(
    createPusher(context),
    () => createAudience(client),
    async ({ before, after }, audience) => {
      if (isDeepStrictEqual(lasting(before), lasting(after))) return []
      if (after === undefined && !isCleared(before!)) await fleet.end(before!)
      // Nodes were told when the node itself had gone.
      if (isPutBack(after ?? before!)) return []
      return [{ nodes: await audience.everybody(), push: { kind: 'fleet', item: after ?? gone(before!) } }]
    },
  )
}

export const handler = fromEnvironment(contextFrom, createFleetReaction)

/** The part of a lease that does not change with every renewal. */
function lasting(item: LeaseItem | undefined) {
  if (item === undefined) return undefined
  const { load: _, expiresAtSeconds: __, ...rest } = withoutNotes(item)
  return rest
}

/** The lease as an ended one, by which nodes recognise that a node is gone. */
const gone = (item: LeaseItem): FleetItem => ({ ...withoutNotes(item), draining: true, expiresAtSeconds: 0 })
