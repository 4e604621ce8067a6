/** Tickets: the credential that a peer presents to nodes and to INDEX. */
import { z } from 'zod'
import type { PeerId } from '../../shared/ids.ts'
import type { User } from '../../shared/model/user.ts'
import { createPeers, expectUsable } from '../../shared/store/peers.ts'
import { createUsers } from '../../shared/store/users.ts'
import type { Context } from './context.ts'
import { proven } from './credentials.ts'
import { ok, type Reply } from './reply.ts'
import { bodyOf, type Request } from './request.ts'

/** A JWT. The bound is far above the length of any JWT that is expected. */
export const tokenSchema = z.string().min(1).max(16_384)
export const ticketRequestSchema = z.strictObject({ proof: tokenSchema })

/** Issues a ticket for a proof. Errors: `unknown-peer`; `forbidden` if the peer is revoked; `unauthenticated`. */
export async function createTicket(request: Request): Promise<Reply> {
  const { context } = request
  const { proof } = bodyOf(request, ticketRequestSchema)
  const peer = await createPeers(context.client).require(await proven(request, proof))
  expectUsable(peer)
  return ok(await ticketFor(context, peer.peer, await createUsers(context.client).require(peer.user)))
}

export async function ticketFor({ ticketKeys, now }: Context, peer: PeerId, user: User) {
  return { ...(await ticketKeys.issue(peer, user.user, now())), user: user.user, networks: user.networks }
}
