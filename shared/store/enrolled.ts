/** A peer and its user, in one call: what every request of a ticket holder begins with. */
import {
  BatchGetCommand,
  type BatchGetCommandOutput,
  type DynamoDBDocumentClient,
} from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import type { PeerId, UserId } from '../ids.ts'
import type { Peer } from '../model/peer.ts'
import type { User } from '../model/user.ts'
import type { Declared } from '../model/visibility.ts'
import { tableName } from './client.ts'
import type { CollectionItem } from './collections.ts'
import { toUser, type UserItem } from './users.ts'

export interface Enrolled {
  readonly peer: Peer
  readonly user: User
  /** What the collection declares. */
  readonly visibility: Declared
}

/** Undefined if the peer is not enrolled as this user's. Errors: `unavailable` where the tables are too busy to answer. */
export async function readEnrolled(
  client: DynamoDBDocumentClient,
  peer: PeerId,
  user: UserId,
  collection?: string,
): Promise<Enrolled | undefined> {
  const [peers, users, collections] = [tableName('Peers'), tableName('Users'), tableName('Collections')]
  const RequestItems = {
    [peers]: { Keys: [{ peer }], ConsistentRead: true },
    [users]: { Keys: [{ user }], ConsistentRead: true },
    ...(collection !== undefined && { [collections]: { Keys: [{ collection }], ConsistentRead: true } }),
  }
  const reply: BatchGetCommandOutput = await client.send(new BatchGetCommand({ RequestItems }))
  if (Object.keys(reply.UnprocessedKeys ?? {}).length > 0) throw new StraightwayError('unavailable')
  const [enrolled] = (reply.Responses?.[peers] ?? []) as Peer[]
  const [owner] = (reply.Responses?.[users] ?? []) as UserItem[]
  if (enrolled?.user !== user || owner === undefined || owner.deletingAt !== undefined) return undefined
  const [declared] = (reply.Responses?.[collections] ?? []) as CollectionItem[]
  return { peer: enrolled, user: toUser(owner), visibility: declared?.visibility ?? {} }
}
