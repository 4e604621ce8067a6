/**
 * Enrolling: a peer becomes a user's, and the user a member, by an invite. The use of the invite, the user, the
 * membership and the peer are one transaction, so an invite is never used more often than it allows, however many try
 * at once. Enrolling again what is enrolled already changes nothing and uses nothing up.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import type { PeerId, UserId } from '../ids.ts'
import type { Invite } from '../model/invite.ts'
import type { Membership } from '../model/membership.ts'
import type { Peer } from '../model/peer.ts'
import type { User } from '../model/user.ts'
import { tableName } from './client.ts'
import { requireInviteOf } from './invites.ts'
import { becomesMember, countsOwners, joinSteps } from './membership-steps.ts'
import { expectUsable, getPeer, newPeer } from './peers.ts'
import { CHANGED, retrying, type Step, transact } from './transact.ts'
import { IS_NEW, itemOfUser, newUser, requireUser } from './users.ts'

export interface Enrolment {
  readonly peer: PeerId
  readonly peerName?: string | undefined
  /** As typed. */
  readonly code: string
  /** Who it is, where an identity provider said so. */
  readonly user?: UserId | undefined
  /** Name of the user that is made when the invite and the provider name none. */
  readonly userName?: string | undefined
}

export interface Enrolled {
  readonly user: User
  readonly peer: Peer
  /** False where everything was so before. */
  readonly made: boolean
}

/** Errors: `not-found`, `gone` where the invite is used up or over, `forbidden`, `conflict`, `too-large`. */
export function enrol(client: DynamoDBDocumentClient, enrolment: Enrolment, now: number): Promise<Enrolled> {
  return retrying(async () => {
    const [invite, peer] = await Promise.all([
      requireInviteOf(client, enrolment.code),
      getPeer(client, enrolment.peer),
    ])
    const owner = ownerOf(invite, enrolment, peer)
    const user = owner && (await requireUser(client, owner))
    const member = user?.networks.includes(invite.network) ?? false
    if (user && peer && member) return { user, peer, made: false }
    expectOpen(invite, member, now)
    const joined = user ?? {
      ...newUser({ name: enrolment.userName ?? 'user' }, now),
      networks: [invite.network],
    }
    const bound = peer ?? newPeer({ peer: enrolment.peer, user: joined.user, name: enrolment.peerName }, now)
    await transact(client, [
      usesUp(invite, now),
      ...(member ? [] : membershipSteps(user, joined, invite, now)),
      peer ? isStillUsable(peer) : comesToBe(bound),
    ])
    return { user: await requireUser(client, joined.user), peer: bound, made: true }
  })
}

/** Whose the peer is or will be; undefined for a user that is yet to be made. */
function ownerOf(invite: Invite, { user }: Enrolment, peer: Peer | undefined): UserId | undefined {
  if (invite.user !== undefined && user !== undefined && invite.user !== user) {
    throw new StraightwayError('forbidden', 'The invite is for another user')
  }
  const named = invite.user ?? user
  if (peer !== undefined) expectUsable(peer, named)
  return peer?.user ?? named
}

function expectOpen({ role, uses, used, expiresAt }: Invite, member: boolean, now: number): void {
  if (expiresAt <= now) throw new StraightwayError('gone', 'The invite is over: ask for a new one')
  if (used >= uses) throw new StraightwayError('gone', 'The invite is used up: ask for a new one')
  if (role === undefined && !member) {
    throw new StraightwayError('gone', 'Whom the invite is for has left the network: ask for a new one')
  }
}

function membershipSteps(
  existing: User | undefined,
  user: User,
  invite: Invite,
  now: number,
): readonly Step[] {
  const { network, role = 'guest' } = invite
  const membership: Membership = { network, user: user.user, role, joinedAt: now }
  if (existing !== undefined) return joinSteps(existing, membership)
  const Put = { TableName: tableName('Users'), Item: itemOfUser(user), ConditionExpression: IS_NEW }
  return [
    { refused: CHANGED, write: { Put } },
    becomesMember(membership),
    countsOwners(network, role === 'owner' ? 1 : 0),
  ]
}

function usesUp({ invite }: Invite, now: number): Step {
  return {
    refused: CHANGED,
    write: {
      Update: {
        TableName: tableName('Invites'),
        Key: { invite },
        ConditionExpression: '#used < #uses AND expiresAt > :now',
        UpdateExpression: 'ADD #used :one',
        ExpressionAttributeNames: { '#used': 'used', '#uses': 'uses' },
        ExpressionAttributeValues: { ':one': 1, ':now': now },
      },
    },
  }
}

function comesToBe(peer: Peer): Step {
  const Put = {
    TableName: tableName('Peers'),
    Item: peer,
    ConditionExpression: 'attribute_not_exists(createdAt)',
  }
  return { refused: CHANGED, write: { Put } }
}

function isStillUsable({ peer, user }: Peer): Step {
  return {
    refused: CHANGED,
    write: {
      ConditionCheck: {
        TableName: tableName('Peers'),
        Key: { peer },
        ConditionExpression: '#user = :user AND attribute_not_exists(revokedAt)',
        ExpressionAttributeNames: { '#user': 'user' },
        ExpressionAttributeValues: { ':user': user },
      },
    },
  }
}
