/** Peers with their presence. Revoking one takes its tickets away and ends its session. */
import { StraightwayError } from '../../shared/errors.ts'
import type { PeerId } from '../../shared/ids.ts'
import { hiddenSince, newPeerSchema, type PeerWithPresence } from '../../shared/model/peer.ts'
import { may } from '../../shared/model/permission.ts'
import { expectVersion } from '../../shared/model/precondition.ts'
import { toMembers, toStrangers } from '../../shared/model/visibility.ts'
import { blockersAmong } from '../../shared/store/blocks.ts'
import * as store from '../../shared/store/peers.ts'
import { getUser } from '../../shared/store/users.ts'
import { pageOf, peerAnswer, storedPeerAnswer } from './answers.ts'
import { created, found, nothing, seen } from './reply.ts'
import { expectVisible, type Request } from './request.ts'
import { route, SEARCH } from './route.ts'
import { patchSchema } from './schemas.ts'
import { listEntity, viewerOf } from './search.ts'
import { isBlockedBy } from './users.ts'

const tag = 'Peers'

export const peerRoutes = [
  route({
    operation: 'createPeer',
    door: 'POST /v1/peers',
    who: 'key',
    permission: 'peer.bind',
    tag,
    summary: 'Bind a peer to a user without an invite',
    body: newPeerSchema,
    answers: { 200: storedPeerAnswer, 201: storedPeerAnswer },
    errors: ['not-found', 'conflict'],
    async handle({ context: { client, now }, allow, body }) {
      allow()
      const { peer, made } = await store.bindPeer(client, body(), now())
      return made ? created(peer, `/v1/peers/${peer.peer}`) : found(peer)
    },
  }),
  route({
    operation: 'listPeers',
    door: 'GET /v1/peers',
    who: 'credential',
    permission: 'search',
    tag,
    summary: 'Peers of the networks of the caller, with presence',
    query: SEARCH,
    answers: { 200: pageOf(peerAnswer) },
    handle: (call) => listEntity(call, 'peer'),
  }),
  route({
    operation: 'readPeer',
    door: 'GET /v1/peers/{peer}',
    who: 'credential',
    permission: 'peer.read',
    tag,
    summary: 'A peer with its presence',
    answers: { 200: peerAnswer },
    errors: ['unknown-peer'],
    handle: async (call) => seen(await readablePeer(call), call.precondition),
  }),
  route({
    operation: 'updatePeer',
    door: 'PATCH /v1/peers/{peer}',
    who: 'credential',
    permission: 'peer.update',
    tag,
    summary: 'Change name or attributes (merge patch)',
    body: patchSchema,
    example: { name: 'laptop' },
    answers: { 200: peerAnswer },
    errors: ['unknown-peer'],
    conditional: true,
    async handle(call) {
      const { peer, user, presence } = await visiblePeer(call)
      const grounds = call.allow({ user })
      const { client, now } = call.context
      const edit = { patch: call.body(), precondition: call.precondition, grounds, now: now() }
      return found(await viewOf({ ...(await store.updatePeer(client, peer, edit)), presence }, call))
    },
  }),
  route({
    operation: 'deletePeer',
    door: 'DELETE /v1/peers/{peer}',
    who: 'credential',
    permission: 'peer.revoke',
    tag,
    summary: 'Revoke a peer',
    answers: { 204: null },
    errors: ['unknown-peer'],
    conditional: true,
    async handle(call) {
      const { peer, user, version } = await visiblePeer(call)
      call.allow({ user })
      expectVersion(version, call.precondition)
      await store.revokePeer(call.context.client, peer, call.context.now(), version)
      return nothing()
    },
  }),
]

/** Errors: `unknown-peer`, also where the caller may not see the peer. To whom its user blocks it is offline. */
async function visiblePeer(
  request: Request & { readonly path: { readonly peer: PeerId } },
): Promise<PeerWithPresence> {
  const { client } = request.context
  const [peer] = await store.getPeersWithPresence(client, [request.path.peer])
  if (peer === undefined) throw new StraightwayError('unknown-peer')
  const owner = await getUser(client, peer.user)
  if (owner === undefined) throw new StraightwayError('unknown-peer')
  expectVisible(request, 'peer.read', { user: peer.user, networks: owner.networks }, 'unknown-peer')
  const viewer = viewerOf(request.actor)
  if (viewer === undefined || viewer.user === peer.user || owner.blocks === 0) return peer
  const blockedAt = (await blockersAmong(client, viewer, [peer.user])).get(peer.user)
  return blockedAt === undefined ? peer : { ...peer, presence: hiddenSince(blockedAt) }
}

/** As the caller may see it. Errors: `unknown-peer`, also if the caller shares no network with it and nothing of it is public. */
async function readablePeer(
  call: Request & { readonly path: { readonly peer: PeerId } },
): Promise<PeerWithPresence> {
  const { actor, context, path } = call
  if (actor.kind !== 'peer') return visiblePeer(call)
  const [peer] = await store.getPeersWithPresence(context.client, [path.peer])
  const owner = peer && (await getUser(context.client, peer.user))
  if (peer === undefined || owner === undefined) throw new StraightwayError('unknown-peer')
  if (may(actor, 'peer.read', { user: peer.user, networks: owner.networks }))
    return viewOf(await visiblePeer(call), call)
  const shown = toStrangers(peer, actor.visibility ?? {})
  if (shown === undefined || (await isBlockedBy(call, owner))) throw new StraightwayError('unknown-peer')
  return { ...shown, presence: store.NEVER_SEEN }
}

/** A user sees its own peers as they are, others neither who is invisible nor private attributes. */
async function viewOf(peer: PeerWithPresence, { actor, context }: Request): Promise<PeerWithPresence> {
  const own = actor.kind === 'peer' && actor.user === peer.user
  if (own) return { ...peer, presence: await store.getOwnPresence(context.client, peer.peer) }
  return actor.kind === 'peer' ? toMembers(peer, actor.visibility ?? {}) : peer
}
