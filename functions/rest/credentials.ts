/** From the `authorization` header to who is asking. */
import { StraightwayError } from '../../shared/errors.ts'
import type { PeerId } from '../../shared/ids.ts'
import type { Actor } from '../../shared/model/permission.ts'
import { authenticateApiKey } from '../../shared/store/api-keys.ts'
import { rolesOf } from '../../shared/store/memberships.ts'
import { expectUsable, getPeer } from '../../shared/store/peers.ts'
import { getUser } from '../../shared/store/users.ts'
import { audiencesOf, useProof } from '../proof.ts'
import type { Context } from './context.ts'
import type { Request } from './request.ts'

/** Nobody without a header. Errors: `unauthenticated`, `forbidden` for a revoked peer. */
export async function authenticate(context: Context, header: string | undefined): Promise<Actor> {
  if (header === undefined) return { kind: 'nobody' }
  const [, credential] = /^Bearer +(\S+)$/i.exec(header.trim()) ?? []
  if (credential === undefined)
    throw unauthenticated('Send `authorization: Bearer` and an API key or a ticket')
  return credential.startsWith('sw_') ? keyActor(context, credential) : peerActor(context, credential)
}

async function keyActor({ client }: Context, token: string): Promise<Actor> {
  const apiKey = await authenticateApiKey(client, token)
  if (apiKey === undefined) throw unauthenticated('This API key is not known')
  return { kind: 'key', key: apiKey.key, role: apiKey.role }
}

/** The ticket says who; what the peer may is what the tables say now. */
async function peerActor({ client, ticketKeys, now }: Context, ticket: string): Promise<Actor> {
  const id = await ticketKeys.verify(ticket, now())
  const peer = await getPeer(client, id)
  const user = peer && (await getUser(client, peer.user))
  if (peer === undefined || user === undefined) throw unauthenticated('This peer is no longer enrolled')
  expectUsable(peer)
  return { kind: 'peer', peer: id, user: user.user, roles: await rolesOf(client, user) }
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
