/** Routes for networks. */

import { StraightwayError } from '../../shared/errors.ts'
import type { NetworkId } from '../../shared/ids.ts'
import { jobIdOf } from '../../shared/model/job.ts'
import { activeRole, atLeast, makerOf } from '../../shared/model/membership.ts'
import { type Network, newNetworkSchema } from '../../shared/model/network.ts'
import { may } from '../../shared/model/permission.ts'
import { expectVersion } from '../../shared/model/precondition.ts'
import { toMembers, toStrangers } from '../../shared/model/visibility.ts'
import { createDeletions } from '../../shared/store/deletions.ts'
import { createMemberships } from '../../shared/store/memberships.ts'
import { createNetworks } from '../../shared/store/networks.ts'
import { jobAnswer, networkAnswer, pageOf } from './answers.ts'
import { begun, underWay } from './jobs.ts'
import { accepted, created, found, seen } from './reply.ts'
import { expectVisible, type Request } from './request.ts'
import { type Call, route, SEARCH } from './route.ts'
import { networkPatchSchema } from './schemas.ts'
import { listEntity } from './search.ts'

const tag = 'Networks'

export const networkRoutes = [
  route({
    operation: 'createNetwork',
    door: 'POST /v1/networks',
    who: 'credential',
    permission: 'network.create',
    tag,
    summary: 'Make a network; a peer becomes its owner',
    body: newNetworkSchema,
    example: { name: 'Chess club' },
    answers: { 201: networkAnswer },
    errors: ['conflict', 'not-found'],
    async handle({ context: { client, now }, actor, allow, body, random }) {
      allow()
      const given = body()
      const owner = actor.kind === 'peer' ? actor.user : given.owner
      const made = { ...given, owner, by: makerOf(actor) }
      const network = await createNetworks(client).create(made, now(), random)
      return created(network, `/v1/networks/${network.network}`)
    },
  }),
  route({
    operation: 'listNetworks',
    door: 'GET /v1/networks',
    who: 'credential',
    permission: 'search',
    tag,
    summary: 'Networks of the caller',
    query: SEARCH,
    answers: { 200: pageOf(networkAnswer) },
    handle: (call) => listEntity(call, 'network'),
  }),
  route({
    operation: 'readNetwork',
    door: 'GET /v1/networks/{network}',
    who: 'credential',
    permission: 'network.read',
    tag,
    summary: 'A network',
    answers: { 200: networkAnswer },
    handle: async (call) => seen(await readableNetwork(call), call.precondition),
  }),
  route({
    operation: 'updateNetwork',
    door: 'PATCH /v1/networks/{network}',
    who: 'credential',
    permission: 'network.update',
    tag,
    summary: 'Change name, attributes, paths or how it is joined (merge patch)',
    body: networkPatchSchema,
    example: { name: 'Chess and go', joining: 'approval' },
    answers: { 200: networkAnswer },
    conditional: true,
    async handle(call) {
      const { network } = await visibleNetwork(call)
      const grounds = call.allow({ networks: [network] })
      const { client, now } = call.context
      const edit = { patch: call.body(), precondition: call.precondition, grounds, now: now() }
      return found(await createNetworks(client).update(network, edit))
    },
  }),
  route({
    operation: 'deleteNetwork',
    door: 'DELETE /v1/networks/{network}',
    who: 'credential',
    permission: 'network.delete',
    tag,
    summary: 'Delete a network with its memberships, invites, objects',
    answers: { 202: jobAnswer },
    conditional: true,
    async handle(call) {
      const { context, actor, path, precondition } = call
      const going = await underWay(call, jobIdOf(path.network))
      if (going !== undefined) return accepted(going)
      const network = await visibleNetwork(call)
      const grounds = call.allow({ networks: [network.network] })
      expectVersion(network.version, precondition)
      const start = { by: makerOf(actor), grounds, now: context.now() }
      return accepted(await begun(context, await createDeletions(context.client).ofNetwork(network, start)))
    },
  }),
]

/**
 * The network with the attributes that the caller may see. Errors: `not-found`, also if the caller is no member and
 * nothing of the network is public.
 */
async function readableNetwork(call: Call<{ readonly network: NetworkId }>): Promise<Network> {
  const { actor, context, path } = call
  if (actor.kind !== 'peer') return visibleNetwork(call)
  const network = await createNetworks(context.client).get(path.network)
  if (network === undefined) throw new StraightwayError('not-found')
  const { visibility = {} } = actor
  if (!may(actor, 'network.read', { networks: [path.network] })) {
    const shown = toStrangers(network, visibility)
    if (shown === undefined) throw new StraightwayError('not-found')
    return shown
  }
  const shown = toMembers(network, visibility)
  if (shown === network) return network
  const role = activeRole(await createMemberships(context.client).get(path.network, actor.user))
  return atLeast(role, 'admin') ? network : shown
}

/** The network, if the caller may see it. Errors: `not-found`, also if it may not. */
export async function visibleNetwork(
  request: Request & { readonly path: { readonly network: NetworkId } },
): Promise<Network> {
  const { network } = request.path
  expectVisible(request, 'network.read', { networks: [network] })
  return createNetworks(request.context.client).require(network)
}
