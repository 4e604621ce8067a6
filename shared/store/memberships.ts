/**
 * Memberships. Every change is one transaction, so three items always agree:
 *
 *   - the membership;
 *   - the list of networks on the user: those where it is an active member, which the limit counts;
 *   - the number of active owners on the network. A network that has an owner keeps at least one.
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
import type { Joining } from '../model/network.ts'
import type { Ground } from '../model/permission.ts'
import type { User } from '../model/user.ts'
import { tableName } from './client.ts'
import { groundSteps } from './grounds.ts'
import { LAST_OWNER, transitionSteps } from './membership-steps.ts'
import { createNetworks } from './networks.ts'
import { decodeCursor, encodeCursor, getMany, type Page, type PageRequest } from './pages.ts'
import { CHANGED, OUTDATED, retrying, type Step, transact } from './transact.ts'
import { createUsers } from './users.ts'

/** An item written before memberships had a state has none, and is active. */
export type MembershipItem = Omit<Membership, 'state' | 'changedAt'> &
  Partial<Pick<Membership, 'state' | 'changedAt'>>

export interface Change {
  /** The membership for which the change was decided. */
  readonly from: Membership | undefined
  readonly to: Membership | undefined
  readonly grounds?: readonly Ground[]
  /** Further conditions, refused with CHANGED or OUTDATED. */
  readonly conditions?: readonly Step[]
  /** How the network was joined when the change was decided. */
  readonly joining?: Joining | undefined
  readonly lastOwnerToo?: boolean
}

export interface NewMember {
  readonly network: NetworkId
  readonly user: UserId
  readonly role: Role
  readonly by?: Maker | undefined
}

export type Memberships = ReturnType<typeof createMemberships>

export function createMemberships(client: DynamoDBDocumentClient) {
  const users = createUsers(client)
  const networks = createNetworks(client)

  /** The membership in any state, including `removed`. */
  async function get(network: NetworkId, user: UserId): Promise<Membership | undefined> {
    const get = new GetCommand({
      TableName: tableName('Memberships'),
      Key: { network, user },
      ConsistentRead: true,
    })
    const item = (await client.send(get)).Item as MembershipItem | undefined
    return item && toMembership(item)
  }

  /** The user's role in each network where it is an active member. */
  async function rolesOf(user: User): Promise<ReadonlyMap<NetworkId, Role>> {
    const keys = user.networks.map((network) => ({ network, user: user.user }))
    const memberships = (await getMany<MembershipItem>(client, 'Memberships', keys)).map(toMembership)
    return new Map(memberships.filter(activeRole).map(({ network, role }) => [network, role]))
  }

  /** Members in one state. Reads at most `limit` items; the page may hold fewer, even none, and still have a cursor. */
  async function list(
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
      ...(cursor !== undefined && {
        ExclusiveStartKey: { network, user: decodeCursor(cursor, userIdSchema) },
      }),
    })
    const { Items = [], LastEvaluatedKey } = await client.send(query)
    const items = (Items as MembershipItem[]).map(toMembership)
    return LastEvaluatedKey === undefined
      ? { items }
      : { items, cursor: encodeCursor(LastEvaluatedKey.user as string) }
  }

  /** The memberships of a user in every state. A change is seen after about a second. */
  async function listOfUser(user: UserId, { limit, cursor }: PageRequest): Promise<Page<Membership>> {
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

  /**
   * Changes a membership from one state to another, or deletes it. Errors: `not-found` without the user or network;
   * `too-large`; `conflict` for the last owner; OUTDATED if it differs from `from` or the grounds no longer hold.
   */
  async function change(given: Change): Promise<void> {
    const { from, to, grounds = [], conditions = [], ...rest } = given

    const begins = to !== undefined && (from === undefined || (activeRole(to) && !activeRole(from)))
    const user = begins ? await users.require(to.user) : undefined
    const others = grounds.filter((ground) => ground.user !== (to ?? from)?.user)
    const steps = [...transitionSteps({ from, to, user, ...rest }), ...groundSteps(others), ...conditions]
    try {
      const { network, user: about } = (to ?? from)!
      await transact(client, steps, { subject: network, about, before: from, after: to })
    } catch (error) {
      // One condition covers both that an owner is left and that the network exists; this read tells which one failed.
      if (error === LAST_OWNER) await networks.require((to ?? from)!.network)
      throw error === CHANGED ? OUTDATED : error
    }
  }

  /**
   * Makes the user an active member, or changes its role. Errors: `not-found`, `too-large`; `conflict` for the last
   * owner.
   */
  function put({ network, user, role, by }: NewMember, now: number): Promise<Membership> {
    return retrying(async () => {
      const from = await get(network, user)
      if (activeRole(from) === role) return from!
      const made = { network, user, role, state: 'active' as const, ...(by && { by }), changedAt: now }
      const to: Membership = { ...made, joinedAt: (activeRole(from) && from?.joinedAt) || now }
      await change({ from, to })
      return to
    }, OUTDATED)
  }

  /**
   * Deletes a membership. Errors: `not-found`; `conflict` for the last owner, unless `lastOwnerToo` (the user or the
   * network itself is being deleted).
   */
  function remove(network: NetworkId, user: UserId, { lastOwnerToo = false } = {}): Promise<void> {
    return retrying(async () => {
      const from = await get(network, user)
      if (from === undefined) throw new StraightwayError('not-found', 'The user is no member of this network')
      await change({ from, to: undefined, lastOwnerToo })
    }, OUTDATED)
  }

  return { get, rolesOf, list, listOfUser, change, put, remove }
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
