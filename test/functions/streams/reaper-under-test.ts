/** The reaper on tables of its own, and what it leaves of nodes and their peers. */
import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'
import type { Context, ScheduledEvent } from 'aws-lambda'
import { createReaper, type Share } from '../../../functions/streams/reaper.ts'
import type { FleetItem } from '../../../shared/directory.ts'
import type { NodeId } from '../../../shared/ids.ts'
import type { Cloud } from '../cloud-under-test.ts'

export const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds

export const lease = (node: NodeId, expiresAtSeconds = inSeconds(30)): FleetItem => ({
  node,
  roles: ['checkpoint'],
  publicKey: 'k',
  addresses: { checkpoint: ['127.0.0.1:5100'] },
  load: 0,
  draining: false,
  startedAt: 1,
  expiresAtSeconds,
})

export interface Run extends Share {
  readonly now?: () => number
  /** Returns the milliseconds left to the run. */
  readonly left?: () => number
  /** Sees each command before it is sent. */
  readonly before?: (command: Command) => unknown
  /** Sees each command after it was answered, and before the reaper has the answer. */
  readonly after?: (command: Command) => unknown
}

export interface Command {
  readonly constructor: { readonly name: string }
  readonly input: Record<string, unknown> & { readonly TableName?: string }
}

export function reaperUnderTest(cloud: Cloud) {
  const found = async (TableName: string, Key: object) =>
    (await cloud.client.send(new GetCommand({ TableName, Key, ConsistentRead: true }))).Item
  return {
    presenceOf: (peer: string) => found('Presence', { peer }),
    nodesOf: (network: string, node: NodeId) => found('NetworkNodes', { network, node }),
    leaseOf: (node: NodeId) => found('Fleet', { node }),
    reap({ now = Date.now, left = () => 60_000, before, after, ...share }: Run = {}) {
      const { client } = cloud.streamOf('reaper')
      return createReaper({ client: watched(client, before, after), now })(
        share as ScheduledEvent & Share,
        { getRemainingTimeInMillis: left } as Context,
      )
    },
  }
}

function watched(client: DynamoDBDocumentClient, before: Run['before'], after: Run['after']) {
  const send = async (command: Command) => {
    await before?.(command)
    const answer = await client.send(command as never)
    await after?.(command)
    return answer
  }
  return Object.create(client, { send: { value: send } }) as DynamoDBDocumentClient
}
