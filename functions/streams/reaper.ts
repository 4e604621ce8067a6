/**
 * Clears away dead nodes on a schedule. A node is dead when its lease has ended: its peers become offline, it is
 * removed from its networks, and last its lease is deleted.
 *
 * The ended lease itself is the job. A run that runs out of time notes on it where it stopped, and the next run goes on
 * there. A run that dies is repeated. Several concurrent runs each take a part of the tables (shared/store/vacate.ts).
 */
import { isDeepStrictEqual } from 'node:util'
import middy from '@middy/core'
import type { ScheduledEvent } from 'aws-lambda'
import type { NodeId } from '../../shared/ids.ts'
import { createClient } from '../../shared/store/client.ts'
import { createFleet, isCleared, type LeaseItem, placeOf } from '../../shared/store/fleet.ts'
import { MOST_NODES, vacate } from '../../shared/store/vacate.ts'
import { fromEnvironment } from '../environment.ts'
import type { StreamContext } from './context.ts'

/** Number of this run among several concurrent runs, set by the schedule (infra/constructs/schedule.ts). Default: one run. */
export interface Share {
  readonly part?: number
  readonly parts?: number
}

/** A run stops this long before its timeout, to finish what is in progress. */
const SPARE_MS = 10_000

export function createReaper({ client, now }: Pick<StreamContext, 'client' | 'now'>) {
  const fleet = createFleet(client)

  return middy<ScheduledEvent & Share, { reaped: number }>().handler(
    async ({ part = 0, parts = 1 }, context) => {
      const share = `${part}/${parts}`
      const isOver = () => context.getRemainingTimeInMillis() < SPARE_MS
      const ended = await fleet.ended(Math.floor(now() / 1000))
      const { leases, from } = together(ended, share)
      const nodes = leases.map(({ node }) => node)
      const stillGone = (some: readonly NodeId[]) =>
        fleet.stillEnded(leases.filter(({ node }) => some.includes(node)))
      const place = await vacate(client, { nodes, now: now(), part, parts, from, isOver, stillGone })
      if (place !== undefined) {
        await Promise.all(leases.map((lease) => fleet.stopped(lease, share, place)))
        return { reaped: 0 }
      }
      // A run that died after the last note has left a lease that is cleared.
      const cleared = [...leases, ...ended.filter(isCleared)]
      const removed = await Promise.all(cleared.map((lease) => fleet.cleared(lease, share)))
      return { reaped: removed.filter((is) => is).length }
    },
  )
}

/**
 * The leases that a run clears together. A scan that was begun is finished first: nodes that have died since would miss
 * what it has passed.
 */
function together(ended: readonly LeaseItem[], share: string) {
  const left = ended.filter((lease) => !lease.cleared?.has(share) && !isCleared(lease))
  const from = left.map((lease) => placeOf(lease, share)).find((place) => place !== undefined)
  const same = left.filter((lease) => isDeepStrictEqual(placeOf(lease, share), from))
  return { leases: same.slice(0, MOST_NODES), from }
}

export const handler = fromEnvironment(
  ({ DYNAMODB_ENDPOINT: endpoint }) => ({ client: createClient({ endpoint }), now: Date.now }),
  createReaper,
)
