/** Users, each as the caller may see it. */
import { StraightwayError } from '../../shared/errors.ts'
import { userIdSchema } from '../../shared/model/identifiers.ts'
import { may, type PeerActor } from '../../shared/model/permission.ts'
import { newUserSchema, type User } from '../../shared/model/user.ts'
import { deleteUser as deleteWithAll } from '../../shared/store/deletions.ts'
import { expectVersion } from '../../shared/store/edits.ts'
import { getNetworks } from '../../shared/store/networks.ts'
import * as store from '../../shared/store/users.ts'
import type { Context } from './context.ts'
import { created, found, nothing, type Reply } from './reply.ts'
import { bodyOf, expectMay, expectVisible, ifMatchOf, parameterOf, type Request } from './request.ts'
import { patchSchema } from './schemas.ts'
import { listEntity } from './search.ts'

export async function createUser(request: Request): Promise<Reply> {
  expectMay(request, 'user.create')
  const { client, now } = request.context
  const user = await store.createUser(client, bodyOf(request, newUserSchema), now())
  return created(viewOf(user, request), `/v1/users/${user.user}`)
}

export function listUsers(request: Request): Promise<Reply> {
  return listEntity(request, 'user')
}

export async function readUser(request: Request): Promise<Reply> {
  return found(viewOf(await visibleUser(request), request))
}

export async function updateUser(request: Request): Promise<Reply> {
  const { user, networks } = await visibleUser(request)
  expectMay(request, 'user.update', { user, networks })
  const { client, now } = request.context
  const edit = { patch: bodyOf(request, patchSchema), ifVersion: ifMatchOf(request), now: now() }
  return found(viewOf(await store.updateUser(client, user, edit), request))
}

/** An API key deletes whomever; a user itself not while a network would lose its last owner. */
export async function deleteUser(request: Request): Promise<Reply> {
  const user = await visibleUser(request)
  expectMay(request, 'user.delete', user)
  expectVersion(user.version, ifMatchOf(request))
  if (request.actor.kind === 'peer') await expectOwnersRemain(request.context, request.actor)
  await deleteWithAll(request.context.client, user.user, request.context.now())
  return nothing()
}

/** Errors: `not-found`, also where the caller may not see the user. */
export async function visibleUser(request: Request): Promise<User> {
  const user = await store.getUser(request.context.client, parameterOf(request, 'user', userIdSchema))
  if (user === undefined) throw new StraightwayError('not-found')
  expectVisible(request, 'user.read', user)
  return user
}

async function expectOwnersRemain({ client }: Context, { roles }: PeerActor): Promise<void> {
  const owned = [...roles].filter(([, role]) => role === 'owner').map(([network]) => network)
  const orphaned = (await getNetworks(client, owned)).find(({ owners }) => owners === 1)
  if (orphaned === undefined) return
  const { network } = orphaned
  throw new StraightwayError(
    'conflict',
    `${network} would lose its last owner: make another one or delete it first`,
  )
}

/** Others see of a user's networks those they share. */
function viewOf({ blocks: _, subject, ...user }: User, { actor }: Request) {
  const own = may(actor, 'blocks.read', user)
  if (own || actor.kind !== 'peer') return subject === undefined ? user : { ...user, subject }
  return { ...user, networks: user.networks.filter((network) => actor.roles.has(network)) }
}
