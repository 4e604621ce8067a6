/**
 * The fleet changed: a node is new, drains, changed its addresses, or is gone. Every node hears of it; renewals and load are
 * read with the leases. What a node that is gone left behind is cleared away, also where its lease expired before the
 * reaper came by.
 */
import { isDeepStrictEqual } from 'node:util'
import type { FleetItem } from '../../shared/directory.ts'
import { createFleet } from '../../shared/store/fleet.ts'
import { vacate } from '../../shared/store/vacate.ts'
import { fromEnvironment } from '../environment.ts'
import { createAudience } from './audience.ts'
import { onChanges } from './changes.ts'
import { contextFrom, type StreamContext } from './context.ts'
import { createPusher } from './push.ts'

export function createFleetReaction(context: StreamContext) {
  const { client, now } = context
  const push = createPusher(context)
  const fleet = createFleet(client)
  return onChanges<FleetItem, ReturnType<typeof createAudience>>(
    () => createAudience(client),
    async ({ before, after }, audience) => {
      if (isDeepStrictEqual(lasting(before), lasting(after))) return
      if (after === undefined && !(await fleet.has(before!.node))) await vacate(client, before!.node, now())
      await push(await audience.everybody(), { kind: 'fleet', item: after ?? gone(before!) })
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
