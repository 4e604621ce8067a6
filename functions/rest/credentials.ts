/** From the `authorization` header to who is asking. */
import { decodeJwt } from 'jose'
import { StraightwayError } from '../../shared/errors.ts'
import type { NetworkId, PeerId, UserId } from '../../shared/ids.ts'
import { ENTITY_COLLECTIONS } from '../../shared/model/collection.ts'
import type { Role } from '../../shared/model/membership.ts'
import type { Action, Actor } from '../../shared/model/permission.ts'
import type { User } from '../../shared/model/user.ts'
import { authenticateApiKey } from '../../shared/store/api-keys.ts'
import { readEnrolled } from '../../shared/store/enrolled.ts'
import { rolesOf } from '../../shared/store/memberships.ts'
import { expectUsable } from '../../shared/store/peers.ts'
import { audiencesOf, useProof } from '../proof.ts'
import type { Context } from './context.ts'
import type { Request } from './request.ts'

/** Actions that ask whether one is in a network and not by which role, so that reading one thing is two calls to the tables. */
const BELONGING: ReadonlySet<Action | undefined> = new Set([
  'user.read',
  'network.read',
  'peer.read',
  'object.read',
  'collection.read',
  'search',
] as const satisfies readonly Action[])

/** Actions whose answer depends on who may see which attributes; what is declared of that is read in the same call. */
const DECLARED: Readonly<Partial<Record<Action, string>>> = {
  'user.read': ENTITY_COLLECTIONS.user,
  'network.read': ENTITY_COLLECTIONS.network,
  'peer.read': ENTITY_COLLECTIONS.peer,
}

/**
 * Nobody without a header. `action`: what is asked for; of an action that is for everybody in a network the roles are not
 * read, and everybody is a guest. Errors: `unauthenticated`, `forbidden` for a revoked peer.
 */
export async function authenticate(
  context: Context,
  header: string | undefined,
  action?: Action,
): Promise<Actor> {
  if (header === undefined) return { kind: 'nobody' }
  const [, credential] = /^Bearer +(\S+)$/i.exec(header.trim()) ?? []
  if (credential === undefined)
    throw unauthenticated('Send `authorization: Bearer` and an API key or a ticket')
  return credential.startsWith('sw_') ? keyActor(context, credential) : peerActor(context, credential, action)
}

async function keyActor({ client }: Context, token: string): Promise<Actor> {
  const apiKey = await authenticateApiKey(client, token)
  if (apiKey === undefined) throw unauthenticated('This API key is not known')
  return { kind: 'key', key: apiKey.key, role: apiKey.role }
}

/** The ticket says who; what the peer may is what the tables say now. */
async function peerActor(
  { client, ticketKeys, now }: Context,
  ticket: string,
  action: Action | undefined,
): Promise<Actor> {
  const id = await ticketKeys.verify(ticket, now())
  const { usr } = decodeJwt<{ usr: UserId }>(ticket)
  const enrolled = await readEnrolled(client, id, usr, action && DECLARED[action])
  if (enrolled === undefined) throw unauthenticated('This peer is no longer enrolled')
  const { peer, user, visibility } = enrolled
  expectUsable(peer)
  const roles = BELONGING.has(action) ? guestOf(user) : await rolesOf(client, user)
  return { kind: 'peer', peer: id, user: user.user, roles, visibility }
}

function guestOf({ networks }: User): ReadonlyMap<NetworkId, Role> {
  return new Map(networks.map((network) => [network, 'guest']))
}

/** The peer that made the proof for this deployment; the proof is used up. Errors: `unauthenticated`. */
export function proven({ context, event }: Request, proof: string): Promise<PeerId> {
  const { client, config, now } = context
  const audiences = audiencesOf('index', event.requestContext.domainName, config.hosts)
  return useProof({ client, audiences, now: now() }, proof)
}

function unauthenticated(detail: string): StraightwayError {
  return new StraightwayError('unauthenticated', detail)
}
