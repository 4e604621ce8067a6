/** Routes for peers, with their presence. Revoking a peer invalidates its tickets and ends its session. */
import { StraightwayError } from '../../shared/errors.ts'
import type { PeerId } from '../../shared/ids.ts'
import { hiddenSince, newPeerSchema, type PeerWithPresence } from '../../shared/model/peer.ts'
import { may } from '../../shared/model/permission.ts'
import { expectVersion } from '../../shared/model/precondition.ts'
import type { User } from '../../shared/model/user.ts'
import { toMembers, toStrangers } from '../../shared/model/visibility.ts'
import { createBlocks } from '../../shared/store/blocks.ts'
import { createPeers, NEVER_SEEN } from '../../shared/store/peers.ts'
import { pageOf, peerAnswer, storedPeerAnswer } from './answers.ts'
import { created, found, nothing, seen } from './reply.ts'
import { expectVisible, type Request } from './request.ts'
import { route, SEARCH } from './route.ts'
import { patchSchema } from './schemas.ts'
import { listEntity, viewerOf } from './search.ts'

const tag = 'Peers'

type Named = Request & { readonly path: { readonly peer: PeerId } }

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
      const { peer, made } = await createPeers(client).bind(body(), now())
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
      return found(viewOf({ ...(await createPeers(client).update(peer, edit)), presence }, call))
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
      const peer = await visiblePeer(call)
      call.allow({ user: peer.user })
      expectVersion(peer.version, call.precondition)
      await createPeers(call.context.client).revoke(peer.peer, call.context.now(), peer)
      return nothing()
    },
  }),
]

interface Owned {
  readonly peer: PeerWithPresence
  readonly owner: User
  /** Time at which the owner blocked the caller, epoch milliseconds. Undefined if it does not. */
  readonly blockedAt: number | undefined
}

/** The peer with its user. Errors: `unknown-peer`. */
async function ownedPeer({ context: { client }, actor, path }: Named): Promise<Owned> {
  const viewer = viewerOf(actor)
  const [peer] = await createPeers(client).getManyWithPresence([path.peer], viewer?.user)
  if (peer === undefined) throw new StraightwayError('unknown-peer')
  const { owner, blockedAt } = await createBlocks(client).userSeenBy(peer.user, viewer)
  if (owner === undefined) throw new StraightwayError('unknown-peer')
  return { peer, owner, blockedAt }
}

/**
 * The peer, if the caller may see it. It appears offline if its user blocks the caller. Errors: `unknown-peer`, also
 * if the caller may not see it.
 */
async function visiblePeer(request: Named): Promise<PeerWithPresence> {
  return asVisible(request, await ownedPeer(request))
}

function asVisible(request: Named, { peer, owner, blockedAt }: Owned): PeerWithPresence {
  expectVisible(request, 'peer.read', { user: peer.user, networks: owner.networks }, 'unknown-peer')
  return blockedAt === undefined ? peer : { ...peer, presence: hiddenSince(blockedAt) }
}

/**
 * The peer with the attributes that the caller may see. Errors: `unknown-peer`, also if the caller shares no network
 * with it and nothing of it is public.
 */
async function readablePeer(call: Named): Promise<PeerWithPresence> {
  const { actor } = call
  const owned = await ownedPeer(call)
  const { peer, owner, blockedAt } = owned
  if (actor.kind !== 'peer' || may(actor, 'peer.read', { user: peer.user, networks: owner.networks }))
    return viewOf(asVisible(call, owned), call)
  const shown = toStrangers(peer, actor.visibility ?? {})
  if (shown === undefined || blockedAt !== undefined) throw new StraightwayError('unknown-peer')
  return { ...shown, presence: NEVER_SEEN }
}

/** The peer without its private attributes, unless it is of the caller's own user. */
function viewOf(peer: PeerWithPresence, { actor }: Request): PeerWithPresence {
  const isOthers = actor.kind === 'peer' && actor.user !== peer.user
  return isOthers ? toMembers(peer, actor.visibility ?? {}) : peer
}
