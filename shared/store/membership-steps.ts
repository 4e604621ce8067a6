/** The conditional writes that a change of a membership consists of; see memberships.ts. */
import { StraightwayError } from '../errors.ts'
import type { NetworkId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import { activeRole, type Membership } from '../model/membership.ts'
import type { Joining } from '../model/network.ts'
import type { User } from '../model/user.ts'
import { tableName } from './client.ts'
import { CHANGED, OUTDATED, type Step } from './transact.ts'
import { IS_THERE } from './users.ts'

export interface Transition {
  /** The membership when the change was decided. Undefined if there was none. */
  readonly from: Membership | undefined
  /** Undefined if the membership is to be deleted. */
  readonly to: Membership | undefined
  /** Required if the membership is new or becomes active. */
  readonly user?: User | undefined
  /** Lets the last owner go too, because the user or the network itself is being deleted. */
  readonly lastOwnerToo?: boolean | undefined
  /** Required to be how the network is joined. Otherwise the transition is refused with OUTDATED. */
  readonly joining?: Joining | undefined
  /** The network is made in the same transaction. */
  readonly newNetwork?: boolean | undefined
}

/**
 * The writes of a transition: the membership, the list of networks on the user, and the number of owners on the
 * network change together. Errors: `too-large` if the user is in as many networks as it may be.
 */
export function transitionSteps(transition: Transition): readonly Step[] {
  const { from, to, user, lastOwnerToo, joining, newNetwork } = transition
  const { network } = (to ?? from)!
  const owners = Number(activeRole(to) === 'owner') - Number(activeRole(from) === 'owner')
  return [
    membershipStep(from, to),
    ...userSteps(from, to, user),
    ...(newNetwork || (to === undefined && owners === 0)
      ? []
      : [joining ? isJoinedBy(network, joining) : countsOwners(network, owners, lastOwnerToo)]),
  ]
}

function membershipStep(from: Membership | undefined, to: Membership | undefined): Step {
  const TableName = tableName('Memberships')
  const unchanged = from === undefined ? { ConditionExpression: 'attribute_not_exists(#role)' } : isAs(from)
  const condition = { ...unchanged, ExpressionAttributeNames: { '#role': 'role', ...(from && STATE) } }
  if (to !== undefined) return { refused: CHANGED, write: { Put: { TableName, Item: to, ...condition } } }
  const { network, user } = from!
  return { refused: CHANGED, write: { Delete: { TableName, Key: { network, user }, ...condition } } }
}

const STATE = { '#state': 'state' }

/** Condition: the membership is unchanged. One written before memberships had a state has none, and is active. */
function isAs({ role, state }: Membership) {
  const same = state === 'active' ? '(attribute_not_exists(#state) OR #state = :state)' : '#state = :state'
  return {
    ConditionExpression: `#role = :role AND ${same}`,
    ExpressionAttributeValues: { ':role': role, ':state': state },
  }
}

function userSteps(
  from: Membership | undefined,
  to: Membership | undefined,
  user: User | undefined,
): readonly Step[] {
  const [was, is] = [activeRole(from) !== undefined, activeRole(to) !== undefined]
  if (to !== undefined && is && !was) return user === undefined ? [] : [entersNetwork(user, to.network)]
  if (was && !is) return [forgetsNetwork(from!)]
  return from === undefined && user !== undefined ? [userIsThere(user)] : []
}

const TOO_MANY = new StraightwayError(
  'too-large',
  `A user is in at most ${LIMITS.networksPerUser} networks: leave one`,
)
const HAS_ROOM = `${IS_THERE} AND (attribute_not_exists(networks) OR size(networks) < :most)`

function entersNetwork(user: User, network: NetworkId): Step {
  if (user.networks.length >= LIMITS.networksPerUser) throw TOO_MANY
  return {
    refused: CHANGED,
    write: {
      Update: {
        TableName: tableName('Users'),
        Key: { user: user.user },
        ConditionExpression: HAS_ROOM,
        UpdateExpression: 'ADD networks :network',
        ExpressionAttributeValues: { ':most': LIMITS.networksPerUser, ':network': new Set([network]) },
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

export function userIsThere({ user }: Pick<User, 'user'>): Step {
  const check = { TableName: tableName('Users'), Key: { user }, ConditionExpression: IS_THERE }
  return { refused: CHANGED, write: { ConditionCheck: check } }
}

const NO_NETWORK = new StraightwayError('not-found', 'There is no such network')
/** The refusal if the last owner would go. It also covers a network that is gone: one condition checks both. */
export const LAST_OWNER = new StraightwayError(
  'conflict',
  'The last owner stays: make somebody else an owner or delete the network',
)

export function networkIsThere(network: NetworkId): Step {
  const key = { TableName: tableName('Networks'), Key: { network } }
  return { refused: NO_NETWORK, write: { ConditionCheck: { ...key, ConditionExpression: IS_THERE } } }
}

/** Condition: the network exists and is joined in this way. */
function isJoinedBy(network: NetworkId, joining: Joining): Step {
  const ConditionCheck = {
    TableName: tableName('Networks'),
    Key: { network },
    ConditionExpression: `${IS_THERE} AND joining = :joining`,
    ExpressionAttributeValues: { ':joining': joining },
  }
  return { refused: OUTDATED, write: { ConditionCheck } }
}

/** Adds `by` to the number of owners, on condition that the network exists. */
function countsOwners(network: NetworkId, by: number, lastOwnerToo = false): Step {
  if (by === 0) return networkIsThere(network)
  const keepsOne = by < 0 && !lastOwnerToo
  const isThere = by < 0 ? 'attribute_exists(createdAt)' : IS_THERE
  return {
    refused: keepsOne ? LAST_OWNER : NO_NETWORK,
    write: {
      Update: {
        TableName: tableName('Networks'),
        Key: { network },
        ConditionExpression: keepsOne ? `${IS_THERE} AND owners > :one` : isThere,
        UpdateExpression: 'ADD owners :by',
        ExpressionAttributeValues: { ':by': by, ...(keepsOne && { ':one': 1 }) },
      },
    },
  }
}
