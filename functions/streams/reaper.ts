/**
 * By the clock: nodes whose lease has ended are dead. Their peers are offline, their networks have one node less, and then
 * the lease goes, so that an interrupted run is finished by the next.
 */
import middy from '@middy/core'
import type { ScheduledEvent } from 'aws-lambda'
import type { FleetItem } from '../../shared/directory.ts'
import { createFleet } from '../../shared/store/fleet.ts'
import { vacate } from '../../shared/store/vacate.ts'
import { fromEnvironment } from '../environment.ts'
import { contextFrom, type StreamContext } from './context.ts'

export function createReaper({ client, now }: Pick<StreamContext, 'client' | 'now'>) {
  const fleet = createFleet(client)
  async function reap({ node }: FleetItem): Promise<void> {
    await vacate(client, node, now())
    await fleet.removeEnded(node, Math.floor(now() / 1000))
  }
  return middy<ScheduledEvent, { reaped: number }>().handler(async () => {
    const ended = await fleet.ended(Math.floor(now() / 1000))
    const outcomes = await Promise.allSettled(ended.map(reap))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    return { reaped: ended.length }
  })
}

export const handler = fromEnvironment(contextFrom, createReaper)
