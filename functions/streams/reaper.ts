/**
 * Clears away dead nodes on a schedule. A node is dead when its lease has ended: its peers become offline, it is
 * removed from its networks, and last its lease is deleted.
 *
 * The ended lease itself is the job: a run that runs out of time, or dies, is repeated by the next one. Several
 * concurrent runs each take a part of the tables (shared/store/vacate.ts).
 */
import middy from '@middy/core'
import type { ScheduledEvent } from 'aws-lambda'
import { createClient } from '../../shared/store/client.ts'
import { createFleet } from '../../shared/store/fleet.ts'
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
      const nowSeconds = () => Math.floor(now() / 1000)
      const isOver = () => context.getRemainingTimeInMillis() < SPARE_MS
      const nodes = (await fleet.ended(nowSeconds())).slice(0, MOST_NODES).map(({ node }) => node)
      const isDone = await vacate(client, { nodes, now: now(), part, parts, isOver })
      if (!isDone) return { reaped: 0 }
      const removed = await Promise.all(nodes.map((node) => fleet.cleared(node, part, parts, nowSeconds())))
      return { reaped: removed.filter((is) => is).length }
    },
  )
}

export const handler = fromEnvironment(
  ({ DYNAMODB_ENDPOINT: endpoint }) => ({ client: createClient({ endpoint }), now: Date.now }),
  createReaper,
)
