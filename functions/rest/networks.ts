/** Networks of the caller. */
import { networkIdSchema } from '../../shared/model/identifiers.ts'
import { type Network, newNetworkSchema } from '../../shared/model/network.ts'
import { deleteNetwork as deleteWithAll } from '../../shared/store/deletions.ts'
import { expectVersion } from '../../shared/store/edits.ts'
import * as store from '../../shared/store/networks.ts'
import { created, found, nothing, type Reply } from './reply.ts'
import { bodyOf, expectMay, expectVisible, ifMatchOf, parameterOf, type Request } from './request.ts'
import { networkPatchSchema } from './schemas.ts'
import { listEntity } from './search.ts'

export async function createNetwork(request: Request): Promise<Reply> {
  expectMay(request, 'network.create')
  const { actor, context } = request
  const body = bodyOf(request, newNetworkSchema)
  const owner = actor.kind === 'peer' ? actor.user : body.owner
  const network = await store.createNetwork(context.client, { ...body, owner }, context.now())
  return created(network, `/v1/networks/${network.network}`)
}

export function listNetworks(request: Request): Promise<Reply> {
  return listEntity(request, 'network')
}

export async function readNetwork(request: Request): Promise<Reply> {
  return found(await visibleNetwork(request))
}

export async function updateNetwork(request: Request): Promise<Reply> {
  const { network } = await visibleNetwork(request)
  expectMay(request, 'network.update', { networks: [network] })
  const { client, now } = request.context
  const edit = { patch: bodyOf(request, networkPatchSchema), ifVersion: ifMatchOf(request), now: now() }
  return found(await store.updateNetwork(client, network, edit))
}

export async function deleteNetwork(request: Request): Promise<Reply> {
  const { network, version } = await visibleNetwork(request)
  expectMay(request, 'network.delete', { networks: [network] })
  expectVersion(version, ifMatchOf(request))
  await deleteWithAll(request.context.client, network, request.context.now())
  return nothing()
}

/** Errors: `not-found`, also where the caller is no member. */
export async function visibleNetwork(request: Request): Promise<Network> {
  const id = parameterOf(request, 'network', networkIdSchema)
  expectVisible(request, 'network.read', { networks: [id] })
  return store.requireNetwork(request.context.client, id)
}
