/**
 * Memberships. Three items agree at all times, because every change of them is one transaction: the membership, the
 * list of networks on the user (where it is an active member; what the limit counts), the number of active owners on the
 * network (a network that has an owner keeps one).
 */
import { type DynamoDBDocumentClient, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import type { NetworkId, UserId } from '../ids.ts'
import { networkIdSchema, userIdSchema } from '../model/identifiers.ts'
import {
  activeRole,
  type Maker,
  type Membership,
  type MembershipState,
  type Role,
} from '../model/membership.ts'
import type { Ground } from '../model/permission.ts'
import type { User } from '../model/user.ts'
import { tableName } from './client.ts'
import { groundSteps } from './grounds.ts'
import { LAST_OWNER, transitionSteps } from './membership-steps.ts'
import { requireNetwork } from './networks.ts'
import { decodeCursor, encodeCursor, getMany, type Page, type PageRequest } from './pages.ts'
import { CHANGED, OUTDATED, retrying, transact } from './transact.ts'
import { requireUser } from './users.ts'

/** One made before there were states has none, and is active. */
export type MembershipItem = Omit<Membership, 'state' | 'changedAt'> &
  Partial<Pick<Membership, 'state' | 'changedAt'>>

/** In whatever state, removed ones included. */
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
  const item = (await client.send(get)).Item as MembershipItem | undefined
  return item && toMembership(item)
}

/** Of the networks where the user is an active member. */
export async function rolesOf(
  client: DynamoDBDocumentClient,
  user: User,
): Promise<ReadonlyMap<NetworkId, Role>> {
  const keys = user.networks.map((network) => ({ network, user: user.user }))
  const memberships = (await getMany<MembershipItem>(client, 'Memberships', keys)).map(toMembership)
  return new Map(memberships.filter(activeRole).map(({ network, role }) => [network, role]))
}

/** Those in the state, a page of at most `limit` read; it may hold fewer, even none, and still name a cursor. */
export async function listMembers(
  client: DynamoDBDocumentClient,
  network: NetworkId,
  { limit, cursor }: PageRequest,
  state: MembershipState = 'active',
): Promise<Page<Membership>> {
  const query = new QueryCommand({
    TableName: tableName('Memberships'),
    KeyConditionExpression: 'network = :network',
    ...inState(state, { ':network': network }),
    Limit: limit,
    ConsistentRead: true,
    ...(cursor !== undefined && { ExclusiveStartKey: { network, user: decodeCursor(cursor, userIdSchema) } }),
  })
  const { Items = [], LastEvaluatedKey } = await client.send(query)
  const items = (Items as MembershipItem[]).map(toMembership)
  return LastEvaluatedKey === undefined
    ? { items }
    : { items, cursor: encodeCursor(LastEvaluatedKey.user as string) }
}

/** What ties a user to networks, in every state; a change is seen within about a second. */
export async function listMembershipsOf(
  client: DynamoDBDocumentClient,
  user: UserId,
  { limit, cursor }: PageRequest,
): Promise<Page<Membership>> {
  const query = new QueryCommand({
    TableName: tableName('Memberships'),
    IndexName: 'byUser',
    KeyConditionExpression: '#user = :user',
    ExpressionAttributeNames: { '#user': 'user' },
    ExpressionAttributeValues: { ':user': user },
    Limit: limit,
    ...(cursor !== undefined && {
      ExclusiveStartKey: { user, network: decodeCursor(cursor, networkIdSchema) },
    }),
  })
  const { Items = [], LastEvaluatedKey } = await client.send(query)
  const items = (Items as MembershipItem[]).map(toMembership)
  return LastEvaluatedKey === undefined
    ? { items }
    : { items, cursor: encodeCursor(LastEvaluatedKey.network as string) }
}

export interface Change {
  /** The membership on which the change was decided. */
  readonly from: Membership | undefined
  readonly to: Membership | undefined
  readonly grounds?: readonly Ground[]
  readonly lastOwnerToo?: boolean
}

/**
 * From one state to another, or to nothing. Errors: `not-found` without the user or network, `too-large`, `conflict` for
 * the last owner; OUTDATED where it is not in `from` or the grounds hold no longer.
 */
export async function changeMembership(
  client: DynamoDBDocumentClient,
  { from, to, grounds = [], lastOwnerToo }: Change,
): Promise<void> {
  const begins = to !== undefined && (from === undefined || (activeRole(to) && !activeRole(from)))
  const user = begins ? await requireUser(client, to.user) : undefined
  const others = grounds.filter((ground) => ground.user !== (to ?? from)?.user)
  const steps = [...transitionSteps({ from, to, user, lastOwnerToo }), ...groundSteps(others)]
  try {
    await transact(client, steps)
  } catch (error) {
    // The condition that an owner is left is one with the condition that the network is there.
    if (error === LAST_OWNER) await requireNetwork(client, (to ?? from)!.network)
    throw error === CHANGED ? OUTDATED : error
  }
}

export interface NewMember {
  readonly network: NetworkId
  readonly user: UserId
  readonly role: Role
  readonly by?: Maker | undefined
}

/** Makes the user an active member, or changes its role. Errors: `not-found`, `too-large`, `conflict` for the last owner. */
export function putMembership(
  client: DynamoDBDocumentClient,
  { network, user, role, by }: NewMember,
  now: number,
): Promise<Membership> {
  return retrying(async () => {
    const from = await getMembership(client, network, user)
    if (activeRole(from) === role) return from!
    const made = { network, user, role, state: 'active' as const, ...(by && { by }), changedAt: now }
    const to: Membership = { ...made, joinedAt: (activeRole(from) && from?.joinedAt) || now }
    await changeMembership(client, { from, to })
    return to
  }, OUTDATED)
}

/** Errors: `not-found`, `conflict` for the last owner unless the user or the network itself is going. */
export function removeMembership(
  client: DynamoDBDocumentClient,
  network: NetworkId,
  user: UserId,
  { lastOwnerToo = false } = {},
): Promise<void> {
  return retrying(async () => {
    const from = await getMembership(client, network, user)
    if (from === undefined) throw new StraightwayError('not-found', 'The user is no member of this network')
    await changeMembership(client, { from, to: undefined, lastOwnerToo })
  }, OUTDATED)
}

function inState(state: MembershipState, values: Readonly<Record<string, string>>) {
  const stateless = state === 'active' ? 'attribute_not_exists(#state) OR ' : ''
  return {
    FilterExpression: `${stateless}#state = :state`,
    ExpressionAttributeNames: { '#state': 'state' },
    ExpressionAttributeValues: { ...values, ':state': state },
  }
}

export function toMembership(item: MembershipItem): Membership {
  return { ...item, state: item.state ?? 'active', changedAt: item.changedAt ?? item.joinedAt ?? 0 }
}
