/** Peers with their presence. Revoking one takes its tickets away and ends its session. */

import { StraightwayError } from '../../shared/errors.ts'
import { peerIdSchema } from '../../shared/model/identifiers.ts'
import { newPeerSchema, type PeerWithPresence } from '../../shared/model/peer.ts'
import { expectVersion } from '../../shared/store/edits.ts'
import * as store from '../../shared/store/peers.ts'
import { getUser, requireUser } from '../../shared/store/users.ts'
import { created, found, nothing, type Reply } from './reply.ts'
import { bodyOf, expectMay, expectVisible, ifMatchOf, parameterOf, type Request } from './request.ts'
import { patchSchema } from './schemas.ts'
import { listEntity } from './search.ts'

export async function createPeer(request: Request): Promise<Reply> {
  expectMay(request, 'peer.bind')
  const { client, now } = request.context
  const body = bodyOf(request, newPeerSchema)
  await requireUser(client, body.user)
  const { peer, made } = await store.bindPeer(client, body, now())
  return made ? created(peer, `/v1/peers/${peer.peer}`) : found(peer)
}

export function listPeers(request: Request): Promise<Reply> {
  return listEntity(request, 'peer')
}

/** A user sees its own peers as they are, others do not see who is invisible. */
export async function readPeer(request: Request): Promise<Reply> {
  const peer = await visiblePeer(request)
  const own = request.actor.kind === 'peer' && request.actor.user === peer.user
  return found(
    own ? { ...peer, presence: await store.getOwnPresence(request.context.client, peer.peer) } : peer,
  )
}

export async function updatePeer(request: Request): Promise<Reply> {
  const { peer, user, presence } = await visiblePeer(request)
  expectMay(request, 'peer.update', { user })
  const { client, now } = request.context
  const edit = { patch: bodyOf(request, patchSchema), ifVersion: ifMatchOf(request), now: now() }
  return found(await viewOf({ ...(await store.updatePeer(client, peer, edit)), presence }, request))
}

export async function deletePeer(request: Request): Promise<Reply> {
  const { peer, user, version } = await visiblePeer(request)
  expectMay(request, 'peer.revoke', { user })
  expectVersion(version, ifMatchOf(request))
  await store.revokePeer(request.context.client, peer, request.context.now())
  return nothing()
}

/** Errors: `unknown-peer`, also where the caller may not see the peer. */
async function visiblePeer(request: Request): Promise<PeerWithPresence> {
  const { client } = request.context
  const [peer] = await store.getPeersWithPresence(client, [parameterOf(request, 'peer', peerIdSchema)])
  if (peer === undefined) throw new StraightwayError('unknown-peer')
  const owner = await getUser(client, peer.user)
  expectVisible(request, 'peer.read', { user: peer.user, networks: owner?.networks ?? [] }, 'unknown-peer')
  return peer
}

/** A user sees its own peers as they are, others do not see who is invisible. */
async function viewOf(peer: PeerWithPresence, { actor, context }: Request): Promise<PeerWithPresence> {
  const own = actor.kind === 'peer' && actor.user === peer.user
  return own ? { ...peer, presence: await store.getOwnPresence(context.client, peer.peer) } : peer
}
