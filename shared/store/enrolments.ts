/**
 * Enrolment by an invite: a peer becomes a user's, and the user a member. One transaction holds the use of the
 * invite, the user, the membership and the peer. So concurrent enrolments never use an invite more often than it
 * allows. Enrolment is idempotent: to repeat it changes nothing and does not use up the invite.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import type { PeerId, UserId } from '../ids.ts'
import type { Invite } from '../model/invite.ts'
import { activeRole, type Membership } from '../model/membership.ts'
import type { Peer } from '../model/peer.ts'
import type { User } from '../model/user.ts'
import { tableName } from './client.ts'
import { createInvites } from './invites.ts'
import { makerSteps } from './makers.ts'
import { transitionSteps, userIsThere } from './membership-steps.ts'
import { createMemberships } from './memberships.ts'
import { comesToBe, createPeers, expectUsable, newPeer } from './peers.ts'
import { CHANGED, retrying, type Step, transact } from './transact.ts'
import { createUsers, IS_NEW, itemOfUser, newUser } from './users.ts'

export interface Enrolment {
  readonly peer: PeerId
  readonly peerName?: string | undefined
  /** The code as the user typed it. */
  readonly code: string
  /** The user that an identity provider identified. */
  readonly user?: UserId | undefined
  /** Name of a new user, which is made if neither the invite nor the identity provider names one. */
  readonly userName?: string | undefined
}

export interface Enrolled {
  readonly user: User
  readonly peer: Peer
  /** False if everything existed before. */
  readonly made: boolean
}

/**
 * Enrols a peer by an invite. Errors: `not-found`; `gone` if the invite is used up or has expired; `forbidden`;
 * `conflict`; `too-large`.
 */
export function enrol(client: DynamoDBDocumentClient, enrolment: Enrolment, now: number): Promise<Enrolled> {
  return retrying(async () => {
    const [invite, peer] = await Promise.all([
      createInvites(client).requireByCode(enrolment.code),
      createPeers(client).get(enrolment.peer),
    ])
    const owner = ownerOf(invite, enrolment, peer)
    const [user, from] = owner
      ? await Promise.all([
          createUsers(client).require(owner),
          createMemberships(client).get(invite.network, owner),
        ])
      : []
    const member = activeRole(from) !== undefined
    if (user && peer && member) return { user, peer, made: false }
    expectOpen(invite, now)
    if (!member) expectMayJoin(invite, from)
    const joined = user ?? {
      ...newUser({ name: enrolment.userName ?? 'user' }, now),
      networks: [invite.network],
    }
    const bound = peer ?? newPeer({ peer: enrolment.peer, user: joined.user, name: enrolment.peerName }, now)
    const to = membershipOf(invite, joined, now)
    const steps = [
      usesUp(invite, now),
      ...(await makerSteps(client, invite, now)),
      ...(user ? [] : [isNew(joined)]),
      ...(member ? [] : transitionSteps({ from, to, user })),
      ...(peer ? [isStillUsable(peer)] : [comesToBe(bound), ...(member ? [userIsThere(joined)] : [])]),
    ]
    const by = joined.user
    const told = [
      ...(user ? [] : [{ subject: by, by, after: joined }]),
      ...(member ? [] : [{ subject: invite.network, about: by, by, before: from, after: to }]),
      ...(peer ? [] : [{ subject: by, about: bound.peer, by, after: bound }]),
    ]
    await transact(client, steps, ...told)
    return { user: await createUsers(client).require(joined.user), peer: bound, made: true }
  })
}

/** The user that the peer belongs to, or will belong to. Undefined if that user is yet to be made. */
function ownerOf(invite: Invite, { user }: Enrolment, peer: Peer | undefined): UserId | undefined {
  if (invite.user !== undefined && user !== undefined && invite.user !== user) {
    throw new StraightwayError('forbidden', 'The invite is for another user')
  }
  const named = invite.user ?? user
  if (peer !== undefined) expectUsable(peer, named)
  return peer?.user ?? named
}

function expectOpen({ uses, used, expiresAt }: Invite, now: number): void {
  if (expiresAt <= now) throw new StraightwayError('gone', 'The invite is over: ask for a new one')
  if (used >= uses) throw new StraightwayError('gone', 'The invite is used up: ask for a new one')
}

/**
 * Requires that the user may join by this invite. An invite does not bring back a user that an admin removed after
 * the invite was made, unless it was made for that user.
 */
function expectMayJoin({ role, user, createdAt }: Invite, from: Membership | undefined): void {
  if (role === undefined)
    throw new StraightwayError('gone', 'Whom the invite is for has left the network: ask for a new one')
  if (from?.state === 'banned' || from?.state === 'suspended')
    throw new StraightwayError('forbidden', `The user is ${from.state} in this network: ask an admin of it`)
  if (from?.state === 'removed' && user === undefined && createdAt <= from.changedAt)
    throw new StraightwayError(
      'forbidden',
      'The user was removed from this network after the invite was made: ask for a new one',
    )
}

function membershipOf(
  { network, role = 'guest', invite, by }: Invite,
  { user }: User,
  now: number,
): Membership {
  const standing = {
    role,
    state: 'active',
    ...(by && { by }),
    changedAt: now,
    joinedAt: now,
    invite,
  } as const
  return { network, user, ...standing }
}

function isNew(user: User): Step {
  const Put = { TableName: tableName('Users'), Item: itemOfUser(user), ConditionExpression: IS_NEW }
  return { refused: CHANGED, write: { Put } }
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
