/** The writes of which changes of memberships are made, each with its condition; see memberships.ts. */
import { StraightwayError } from '../errors.ts'
import type { NetworkId } from '../ids.ts'
import type { Membership, Role } from '../model/membership.ts'
import { fitsTicket } from '../model/ticket-room.ts'
import type { User } from '../model/user.ts'
import { tableName } from './client.ts'
import { CHANGED, type Step } from './transact.ts'
import { NOT_GROWN, sizesOf } from './users.ts'

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

export function changesRole({ network, user, role }: Membership, next: Role): Step {
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

export function leaves({ network, user, role }: Membership): Step {
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

export function forgetsNetwork({ network, user }: Membership): Step {
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
