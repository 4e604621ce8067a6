import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import type { NodeId, PeerId } from '../ids.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'

export interface Departure {
  readonly peer: PeerId
  readonly node: NodeId
  readonly lastSeenAt: number
  /** Start of the session that ends, epoch milliseconds. Default: any session at the node. */
  readonly since?: number
}

/**
 * Signs a peer out of its node and clears its live attributes. The version grows, so that those who saw the session
 * also see its end. Does nothing if the peer has signed in elsewhere or again.
 */
export async function signOutPeer(client: DynamoDBDocumentClient, departure: Departure): Promise<void> {
  const { peer, node, lastSeenAt, since } = departure
  const update = new UpdateCommand({
    TableName: tableName('Presence'),
    Key: { peer },
    ConditionExpression: since === undefined ? '#node = :node' : '#node = :node AND #since = :since',
    UpdateExpression:
      'SET #status = :offline, #custom = :empty, #metadata = :none, #lastSeenAt = :seen ADD #version :one REMOVE #node',
    ExpressionAttributeNames: since === undefined ? NAMES : { ...NAMES, '#since': 'since' },
    ExpressionAttributeValues: {
      ':node': node,
      ...(since !== undefined && { ':since': since }),
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
  '#status': 'status',
  '#custom': 'custom',
  '#metadata': 'metadata',
  '#lastSeenAt': 'lastSeenAt',
  '#version': 'version',
}
