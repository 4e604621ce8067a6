/**
 * Reads a peer, its user and the other items that the request names in one call. Every request with a ticket begins
 * with it.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import type { PeerId, UserId } from '../ids.ts'
import type { Peer } from '../model/peer.ts'
import type { User } from '../model/user.ts'
import type { Declared } from '../model/visibility.ts'
import type { CollectionItem } from './collections.ts'
import { type ItemKey, Remembered } from './remembered.ts'
import { toUser, type UserItem } from './users.ts'

export interface Enrolled {
  readonly peer: Peer
  readonly user: User
  /** The visibility that the collection declares. */
  readonly visibility: Declared
  /** All items that were read: the named ones, the peer, the user and the declaration. */
  readonly remembered: Remembered
}

export interface Besides {
  /** The collection whose declaration is read too. */
  readonly collection?: string | undefined
  readonly named?: readonly ItemKey[]
}

/**
 * Reads the peer and its user. Undefined if the peer is not enrolled for this user. Errors: `unavailable` if the
 * tables are too busy to answer.
 */
export async function readEnrolled(
  client: DynamoDBDocumentClient,
  peer: PeerId,
  user: UserId,
  { collection, named = [] }: Besides = {},
): Promise<Enrolled | undefined> {
  const [ofPeer, ofUser]: [ItemKey, ItemKey] = [
    { table: 'Peers', key: { peer } },
    { table: 'Users', key: { user } },
  ]
  const declaring: readonly ItemKey[] =
    collection === undefined ? [] : [{ table: 'Collections', key: { collection } }]
  const needed = [ofPeer, ofUser, ...declaring]
  const remembered = await Remembered.read(client, [...needed, ...named])
  if (!needed.every((one) => remembered.has(one))) throw new StraightwayError('unavailable')
  const [enrolled, owner] = [remembered.get<Peer>(ofPeer), remembered.get<UserItem>(ofUser)]
  if (enrolled?.user !== user || owner === undefined || owner.deletingAt !== undefined) return undefined
  const [declared] = declaring.map((one) => remembered.get<CollectionItem>(one))
  return { peer: enrolled, user: toUser(owner), visibility: declared?.visibility ?? {}, remembered }
}
