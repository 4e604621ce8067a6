/**
 * Clears away dead nodes on a schedule. A node is dead when its lease has ended: its peers become offline, it is
 * removed from its networks, and last its lease is deleted.
 *
 * The ended lease itself is the job: a run that runs out of time, or dies, is resumed by the next one. Several
 * concurrent runs each take a part of a node's places (shared/store/places.ts).
 */
import middy from '@middy/core'
import type { ScheduledEvent } from 'aws-lambda'
import type { FleetItem } from '../../shared/directory.ts'
import { createClient } from '../../shared/store/client.ts'
import { createFleet } from '../../shared/store/fleet.ts'
import { isVacant } from '../../shared/store/places.ts'
import { vacate } from '../../shared/store/vacate.ts'
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

  /** Clears away a node. True if nothing of it is left. */
  async function reap({ node }: FleetItem, share: Share, isOver: () => boolean): Promise<boolean> {
    const isDone = await vacate(client, { node, now: now(), ...shareOf(share), isOver })
    if (!isDone || !(await isVacant(client, node))) return false
    await fleet.removeEnded(node, Math.floor(now() / 1000))
    return true
  }

  return middy<ScheduledEvent & Share, { reaped: number }>().handler(async (share, context) => {
    const ended = await fleet.ended(Math.floor(now() / 1000))
    const isOver = () => context.getRemainingTimeInMillis() < SPARE_MS
    const outcomes = await Promise.allSettled(ended.map((item) => reap(item, share, isOver)))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    return { reaped: outcomes.filter((outcome) => outcome.status === 'fulfilled' && outcome.value).length }
  })
}

export const handler = fromEnvironment(
  ({ DYNAMODB_ENDPOINT: endpoint }) => ({ client: createClient({ endpoint }), now: Date.now }),
  createReaper,
)

const shareOf = ({ part, parts }: Share): Share =>
  part === undefined || parts === undefined ? {} : { part, parts }
