/**
 * Deleting what others hang on. First it is marked, from which moment it is gone for everybody and nothing can be added;
 * then what belongs to it is removed; it goes last. Whoever is interrupted repeats the whole.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import type { NetworkId, PeerId, UserId } from '../ids.ts'
import type { Membership } from '../model/membership.ts'
import { tableName } from './client.ts'
import { deleteInvitesOf } from './invites.ts'
import { removeMembership } from './memberships.ts'
import { markNetworkDeleting, removeNetworkItem } from './networks.ts'
import { deleteObjectsUnder } from './objects.ts'
import { eachPage, forEach } from './pages.ts'
import { erasePeer, peersOfUser } from './peers.ts'
import { markUserDeleting, removeUserItem } from './users.ts'

/** With its memberships, peers and private objects; a network it owned alone is then managed by API keys only. */
export async function deleteUser(client: DynamoDBDocumentClient, user: UserId, now: number): Promise<void> {
  const { networks } = await markUserDeleting(client, user, now)
  await forEach(networks, (network) => leave(client, network, user))
  await forEach(await peersOfUser(client, user), (peer) => erase(client, peer, now))
  await deleteObjectsUnder(client, user)
  await removeUserItem(client, user)
}

/** With its memberships, invites and objects. */
export async function deleteNetwork(
  client: DynamoDBDocumentClient,
  network: NetworkId,
  now: number,
): Promise<void> {
  await markNetworkDeleting(client, network, now)
  const members = {
    TableName: tableName('Memberships'),
    KeyConditionExpression: 'network = :network',
    ExpressionAttributeValues: { ':network': network },
    ConsistentRead: true,
  }
  for await (const page of eachPage<Membership>(client, members)) {
    await forEach(page, ({ user }) => leave(client, network, user))
  }
  await deleteInvitesOf(client, network)
  await deleteObjectsUnder(client, network)
  await removeNetworkItem(client, network)
}

const erase = (client: DynamoDBDocumentClient, peer: PeerId, now: number) =>
  unlessGone(erasePeer(client, peer, now))

const leave = (client: DynamoDBDocumentClient, network: NetworkId, user: UserId) =>
  unlessGone(removeMembership(client, network, user, { lastOwnerToo: true }))

/** What an interrupted deletion has removed already is as it should be. */
async function unlessGone(removal: Promise<void>): Promise<void> {
  try {
    await removal
  } catch (error) {
    if (!(error instanceof StraightwayError && error.status === 404)) throw error
  }
}
