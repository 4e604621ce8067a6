/**
 * The fleet changed: a node is new, drains, changed its addresses, or is gone. Every node hears of it; renewals and load are
 * read with the leases. What a node that is gone left behind is the work of the reaper, which finds its lease put back as one
 * that has ended.
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

/** What does not change with every renewal. */
function lasting(item: FleetItem | undefined) {
  if (item === undefined) return undefined
  const { load: _, expiresAtSeconds: __, ...rest } = item
  return rest
}

/** A lease that has ended is how nodes know a node that is no more. */
const gone = (item: FleetItem): FleetItem => ({ ...item, draining: true, expiresAtSeconds: 0 })
