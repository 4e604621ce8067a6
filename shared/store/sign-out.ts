import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import type { NodeId, PeerId } from '../ids.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'

export interface Departure {
  readonly peer: PeerId
  readonly node: NodeId
  readonly lastSeenAt: number
  /** Which session ends: the one that began at `at`, or any that began no later than `until`. */
  readonly since: { readonly at: number } | { readonly until: number }
}

/**
 * Takes the peer off its node and clears what is live. The version grows, so that whoever saw the session sees its end.
 * Nothing happens where the peer has signed in elsewhere, or again.
 */
export async function signOutPeer(client: DynamoDBDocumentClient, departure: Departure): Promise<void> {
  const { peer, node, lastSeenAt, since } = departure
  const [session, bound] = 'at' in since ? ['#since = :since', since.at] : ['#since <= :since', since.until]
  const update = new UpdateCommand({
    TableName: tableName('Presence'),
    Key: { peer },
    ConditionExpression: `#node = :node AND ${session}`,
    UpdateExpression:
      'SET #status = :offline, #custom = :empty, #metadata = :none, #lastSeenAt = :seen ADD #version :one REMOVE #node',
    ExpressionAttributeNames: NAMES,
    ExpressionAttributeValues: {
      ':node': node,
      ':since': bound,
      ':offline': 'offline',
      ':empty': '',
      ':none': {},
      ':seen': lastSeenAt,
      ':one': 1,
    },
  })
  await unlessRefused(client.send(update))
}

const NAMES = {
  '#node': 'node',
  '#since': 'since',
  '#status': 'status',
  '#custom': 'custom',
  '#metadata': 'metadata',
  '#lastSeenAt': 'lastSeenAt',
  '#version': 'version',
}
