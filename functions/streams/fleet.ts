/**
 * Reacts to changes of the fleet: a node is new, drains, has other addresses, or is gone. Every node is told.
 * Renewals and changes of load are not pushed; nodes read them with the leases.
 *
 * If a node is gone and the tables still hold some of its items, its lease is put back as an ended one: the reaper
 * then finds it and clears them.
 */
import { isDeepStrictEqual } from 'node:util'
import type { FleetItem } from '../../shared/directory.ts'
import { createFleet } from '../../shared/store/fleet.ts'
import { isVacant } from '../../shared/store/places.ts'
import { fromEnvironment } from '../environment.ts'
import { createAudience } from './audience.ts'
import { onChanges } from './changes.ts'
import { contextFrom, type StreamContext } from './context.ts'
import { createPusher } from './push.ts'

export function createFleetReaction(context: StreamContext) {
  const { client } = context
  const fleet = createFleet(client)
  return onChanges<FleetItem, ReturnType<typeof createAudience>>(
    createPusher(context),
    () => createAudience(client),
    async ({ before, after }, audience) => {
      if (isDeepStrictEqual(lasting(before), lasting(after))) return []
      if (after === undefined && !(await isVacant(client, before!.node))) await fleet.end(before!)
      return [{ nodes: await audience.everybody(), push: { kind: 'fleet', item: after ?? gone(before!) } }]
    },
  )
}

export const handler = fromEnvironment(contextFrom, createFleetReaction)

/** The part of a lease that does not change with every renewal. */
function lasting(item: FleetItem | undefined) {
  if (item === undefined) return undefined
  const { load: _, expiresAtSeconds: __, ...rest } = item
  return rest
}

/** The lease as an ended one, by which nodes recognise that a node is gone. */
const gone = (item: FleetItem): FleetItem => ({ ...item, draining: true, expiresAtSeconds: 0 })
