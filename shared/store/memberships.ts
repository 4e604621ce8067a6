/**
 * Memberships. Three items agree at all times, because every change of them is one transaction: the membership, the
 * list of networks on the user (what a ticket says, what the limit counts), the number of owners on the network (a
 * network that has an owner keeps one).
 */
import { type DynamoDBDocumentClient, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import type { NetworkId, UserId } from '../ids.ts'
import type { Membership, Role } from '../model/membership.ts'
import type { User } from '../model/user.ts'
import { tableName } from './client.ts'
import { changesRole, countsOwners, forgetsNetwork, joinSteps, leaves } from './membership-steps.ts'
import { decodeCursor, encodeCursor, getMany, type Page, type PageRequest } from './pages.ts'
import { retrying, transact } from './transact.ts'
import { requireUser } from './users.ts'

export async function getMembership(
  client: DynamoDBDocumentClient,
  network: NetworkId,
  user: UserId,
): Promise<Membership | undefined> {
  const get = new GetCommand({
    TableName: tableName('Memberships'),
    Key: { network, user },
    ConsistentRead: true,
  })
  return (await client.send(get)).Item as Membership | undefined
}

export async function rolesOf(
  client: DynamoDBDocumentClient,
  user: User,
): Promise<ReadonlyMap<NetworkId, Role>> {
  const keys = user.networks.map((network) => ({ network, user: user.user }))
  const memberships = await getMany<Membership>(client, 'Memberships', keys)
  return new Map(memberships.map(({ network, role }) => [network, role]))
}

export async function listMembers(
  client: DynamoDBDocumentClient,
  network: NetworkId,
  { limit, cursor }: PageRequest,
): Promise<Page<Membership>> {
  const query = new QueryCommand({
    TableName: tableName('Memberships'),
    KeyConditionExpression: 'network = :network',
    ExpressionAttributeValues: { ':network': network },
    Limit: limit,
    ConsistentRead: true,
    ...(cursor !== undefined && { ExclusiveStartKey: { network, user: decodeCursor(cursor) } }),
  })
  const { Items = [], LastEvaluatedKey } = await client.send(query)
  const items = Items as Membership[]
  return LastEvaluatedKey === undefined
    ? { items }
    : { items, cursor: encodeCursor(LastEvaluatedKey.user as string) }
}

/** Makes the membership, or changes its role. Errors: `not-found`, `too-large`, `conflict` for the last owner. */
export function putMembership(
  client: DynamoDBDocumentClient,
  { network, user, role }: Omit<Membership, 'joinedAt'>,
  now: number,
): Promise<Membership> {
  return retrying(async () => {
    const current = await getMembership(client, network, user)
    if (current?.role === role) return current
    if (current === undefined) {
      const joined = { network, user, role, joinedAt: now }
      await transact(client, joinSteps(await requireUser(client, user), joined))
      return joined
    }
    const owners = Number(role === 'owner') - Number(current.role === 'owner')
    await transact(client, [changesRole(current, role), countsOwners(network, owners)])
    return { ...current, role }
  })
}

/** Errors: `not-found`, `conflict` for the last owner unless the user or the network itself is going. */
export function removeMembership(
  client: DynamoDBDocumentClient,
  network: NetworkId,
  user: UserId,
  { lastOwnerToo = false } = {},
): Promise<void> {
  return retrying(async () => {
    const current = await getMembership(client, network, user)
    if (current === undefined)
      throw new StraightwayError('not-found', 'The user is no member of this network')
    const owner = current.role === 'owner'
    await transact(client, [
      leaves(current),
      forgetsNetwork(current),
      ...(owner ? [countsOwners(network, -1, lastOwnerToo)] : []),
    ])
  })
}
