/**
 * Memberships. Three items agree at all times, because every change of them is one transaction: the membership, the
 * list of networks on the user (what a ticket says, what the limit counts), the number of owners on the network (a
 * network that has an owner keeps one).
 */
import { type DynamoDBDocumentClient, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import type { NetworkId, UserId } from '../ids.ts'
import type { Membership, Role } from '../model/membership.ts'
import { fitsTicket } from '../model/ticket-room.ts'
import type { User } from '../model/user.ts'
import { tableName } from './client.ts'
import { decodeCursor, encodeCursor, getMany, type Page, type PageRequest } from './pages.ts'
import { CHANGED, retrying, type Step, transact } from './transact.ts'
import { NOT_GROWN, requireUser, sizesOf } from './users.ts'

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

/** What makes `user` a member of a network that exists. Throws `too-large` where its ticket has no room. */
export function joinSteps(user: User, membership: Membership): readonly Step[] {
  const { network, role } = membership
  return [...memberSteps(user, membership), countsOwners(network, role === 'owner' ? 1 : 0)]
}

/** The same for a network that is made in the same transaction. */
export function memberSteps(user: User, membership: Membership): readonly Step[] {
  if (!fitsTicket([...user.networks, membership.network], user.blocks)) {
    throw new StraightwayError(
      'too-large',
      'The user is in as many networks as its ticket has room for: leave one',
    )
  }
  return [
    becomesMember(membership),
    {
      refused: CHANGED,
      write: {
        Update: {
          TableName: tableName('Users'),
          Key: { user: user.user },
          ConditionExpression: NOT_GROWN,
          UpdateExpression: 'ADD networks :network',
          ExpressionAttributeValues: { ...sizesOf(user), ':network': new Set([membership.network]) },
        },
      },
    },
  ]
}

export function becomesMember(membership: Membership): Step {
  return {
    refused: CHANGED,
    write: {
      Put: {
        TableName: tableName('Memberships'),
        Item: membership,
        ConditionExpression: 'attribute_not_exists(joinedAt)',
      },
    },
  }
}

const NO_NETWORK = new StraightwayError('not-found', 'There is no such network')
const LAST_OWNER = new StraightwayError(
  'conflict',
  'The last owner stays: make somebody else an owner or delete the network',
)
const IS_THERE = 'attribute_exists(createdAt) AND attribute_not_exists(deletingAt)'

/** The network is there, and has `by` owners more. */
export function countsOwners(network: NetworkId, by: number, lastOwnerToo = false): Step {
  const key = { TableName: tableName('Networks'), Key: { network } }
  if (by === 0) {
    return { refused: NO_NETWORK, write: { ConditionCheck: { ...key, ConditionExpression: IS_THERE } } }
  }
  const keepsOne = by < 0 && !lastOwnerToo
  return {
    refused: keepsOne ? LAST_OWNER : NO_NETWORK,
    write: {
      Update: {
        ...key,
        ConditionExpression: keepsOne ? `${IS_THERE} AND owners > :one` : 'attribute_exists(createdAt)',
        UpdateExpression: 'ADD owners :by',
        ExpressionAttributeValues: { ':by': by, ...(keepsOne && { ':one': 1 }) },
      },
    },
  }
}

function changesRole({ network, user, role }: Membership, next: Role): Step {
  return {
    refused: CHANGED,
    write: {
      Update: {
        TableName: tableName('Memberships'),
        Key: { network, user },
        ConditionExpression: '#role = :role',
        UpdateExpression: 'SET #role = :next',
        ExpressionAttributeNames: { '#role': 'role' },
        ExpressionAttributeValues: { ':role': role, ':next': next },
      },
    },
  }
}

function leaves({ network, user, role }: Membership): Step {
  return {
    refused: CHANGED,
    write: {
      Delete: {
        TableName: tableName('Memberships'),
        Key: { network, user },
        ConditionExpression: '#role = :role',
        ExpressionAttributeNames: { '#role': 'role' },
        ExpressionAttributeValues: { ':role': role },
      },
    },
  }
}

function forgetsNetwork({ network, user }: Membership): Step {
  return {
    refused: CHANGED,
    write: {
      Update: {
        TableName: tableName('Users'),
        Key: { user },
        ConditionExpression: 'attribute_exists(createdAt)',
        UpdateExpression: 'DELETE networks :network',
        ExpressionAttributeValues: { ':network': new Set([network]) },
      },
    },
  }
}
