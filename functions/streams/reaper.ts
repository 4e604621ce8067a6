/**
 * By the clock: nodes whose lease has ended are dead. Their peers are offline, their networks have one node less, and then
 * the lease goes. The lease that has ended is the job: a run that has no time left, or dies, is resumed by the next one.
 * Several runs at the same time each take their part of a node's places (shared/store/places.ts).
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

/** Which of how many runs at the same time; the schedule says it (infra/constructs/schedule.ts). The only one without. */
export interface Share {
  readonly part?: number
  readonly parts?: number
}

/** Left for what is under way when a run stops by itself. */
const SPARE_MS = 10_000

export function createReaper({ client, now }: Pick<StreamContext, 'client' | 'now'>) {
  const fleet = createFleet(client)

  /** True if nothing of the node is left. */
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
