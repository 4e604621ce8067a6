/** Authentication: from the `authorization` header to the caller. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { decodeJwt } from 'jose'
import { StraightwayError } from '../../shared/errors.ts'
import type { NetworkId, PeerId, UserId } from '../../shared/ids.ts'
import { ENTITY_COLLECTIONS } from '../../shared/model/collection.ts'
import { activeRole, type Role } from '../../shared/model/membership.ts'
import type { Action, Actor } from '../../shared/model/permission.ts'
import type { User } from '../../shared/model/user.ts'
import { createApiKeys } from '../../shared/store/api-keys.ts'
import { readEnrolled } from '../../shared/store/enrolled.ts'
import { createMemberships, type MembershipItem, toMembership } from '../../shared/store/memberships.ts'
import { expectUsable } from '../../shared/store/peers.ts'
import type { Remembered } from '../../shared/store/remembered.ts'
import { audiencesOf, useProof } from '../proof.ts'
import type { Context } from './context.ts'
import { itemsNamed, type NamedParameters, networkConcerned } from './named.ts'
import type { Request } from './request.ts'

/**
 * Actions that check whether the caller is in a network but not its role, and actions that check neither. No role is
 * read for them: the caller counts as a guest of each of its networks.
 */
const BELONGING: ReadonlySet<Action | undefined> = new Set([
  'user.read',
  'user.update',
  'membership.list',
  'blocks.read',
  'blocks.change',
  'network.create',
  'network.read',
  'peer.read',
  'peer.update',
  'peer.revoke',
  'object.read',
  'collection.read',
  'job.read',
  'search',
] as const satisfies readonly Action[])

/**
 * Actions whose answer depends on who may see which attributes, with the collection that declares it. The declaration
 * is read in the same call as the peer and its user.
 */
const DECLARED: Readonly<Partial<Record<Action, string>>> = {
  'user.read': ENTITY_COLLECTIONS.user,
  'network.read': ENTITY_COLLECTIONS.network,
  'peer.read': ENTITY_COLLECTIONS.peer,
}

export interface Asked {
  readonly action?: Action | undefined
  /** The ids in the path and in the query. */
  readonly named: NamedParameters
}

export interface Authenticated {
  readonly actor: Actor
  /** The items read in one call with a ticket's peer and user. Absent without a ticket. */
  readonly remembered?: Remembered
}

/**
 * Authenticates the caller. Without a header the caller is `nobody`. Errors: `unauthenticated`; `forbidden` for a
 * revoked peer.
 */
export async function authenticate(
  context: Context,
  header: string | undefined,
  asked: Asked = { named: {} },
): Promise<Authenticated> {
  if (header === undefined) return { actor: { kind: 'nobody' } }
  const [, credential] = /^Bearer +(\S+)$/i.exec(header.trim()) ?? []
  if (credential === undefined)
    throw unauthenticated('Send `authorization: Bearer` and an API key or a ticket')
  return credential.startsWith('sw_')
    ? { actor: await keyActor(context, credential) }
    : peerActor(context, credential, asked)
}

async function keyActor({ client, now }: Context, token: string): Promise<Actor> {
  const apiKey = await createApiKeys(client).authenticate(token, now())
  if (apiKey === undefined) throw unauthenticated('This API key is not known')
  return { kind: 'key', ...apiKey }
}

/** Authenticates by a ticket. The ticket names the peer and its user; what they may do is read from the tables. */
async function peerActor(
  { client, ticketKeys, now }: Context,
  ticket: string,
  { action, named }: Asked,
): Promise<Authenticated> {
  const id = await ticketKeys.verify(ticket, now())
  const { usr } = decodeJwt<{ usr: UserId }>(ticket)
  const enrolled = await readEnrolled(client, id, usr, {
    collection: action && DECLARED[action],
    named: itemsNamed(named, usr),
  })
  if (enrolled === undefined) throw unauthenticated('This peer is no longer enrolled')
  const { peer, user, visibility, remembered } = enrolled
  expectUsable(peer)
  const network = networkConcerned(named, remembered)
  const roles = BELONGING.has(action)
    ? guestOf(user)
    : network === undefined
      ? await createMemberships(client).rolesOf(user)
      : await rolesIn(network, client, user, remembered)
  return { actor: { kind: 'peer', peer: id, user: user.user, roles, visibility }, remembered }
}

function guestOf({ networks }: User): Map<NetworkId, Role> {
  return new Map(networks.map((network) => [network, 'guest']))
}

/**
 * The user's role in the network of the request, absent if it is no active member there. In its other networks it
 * counts as a guest.
 */
async function rolesIn(
  network: NetworkId,
  client: DynamoDBDocumentClient,
  user: User,
  remembered: Remembered,
): Promise<ReadonlyMap<NetworkId, Role>> {
  const roles = guestOf(user)
  const own = { table: 'Memberships', key: { network, user: user.user } } as const
  const item = remembered.has(own) ? remembered.get<MembershipItem>(own) : undefined
  const membership = remembered.has(own)
    ? item && toMembership(item)
    : await createMemberships(client).get(network, user.user)
  const role = roles.has(network) ? activeRole(membership) : undefined
  if (role === undefined) roles.delete(network)
  else roles.set(network, role)
  return roles
}

/** The peer that signed the proof for this deployment. Marks the proof as used. Errors: `unauthenticated`. */
export function proven({ context, event }: Request, proof: string): Promise<PeerId> {
  const { client, config, now } = context
  const audiences = audiencesOf('index', event.requestContext.domainName, config.hosts)
  return useProof({ client, audiences, now: now() }, proof)
}

function unauthenticated(detail: string): StraightwayError {
  return new StraightwayError('unauthenticated', detail)
}
