/** Invites into a network. */
import { StraightwayError } from '../../shared/errors.ts'
import { newInviteSchema } from '../../shared/model/invite.ts'
import * as store from '../../shared/store/invites.ts'
import { requireUser } from '../../shared/store/users.ts'
import { visibleNetwork } from './networks.ts'
import { created, nothing, page, type Reply } from './reply.ts'
import { bodyOf, expectMay, expectVisible, pageOf, parameterOf, type Request } from './request.ts'
import { inviteIdSchema } from './schemas.ts'

/** One that a user makes for itself brings further peers of it and no membership. */
export async function createInvite(request: Request): Promise<Reply> {
  const { network } = await visibleNetwork(request)
  const { actor, context } = request
  const { role, user, ...rest } = bodyOf(request, newInviteSchema)
  expectMay(request, 'invite.create', { networks: [network], roles: [role], user })
  if (user !== undefined) await requireUser(context.client, user)
  const granted = user !== undefined && actor.kind === 'peer' ? undefined : role
  const made = await store.createInvite(
    context.client,
    { ...rest, network, user, role: granted },
    context.now(),
  )
  return created({ ...made.invite, code: made.code }, `/v1/invites/${made.invite.invite}`)
}

export async function listInvites(request: Request): Promise<Reply> {
  const { network } = await visibleNetwork(request)
  expectMay(request, 'invite.read', { networks: [network] })
  return page(await store.listInvites(request.context.client, network, pageOf(request)))
}

export async function deleteInvite(request: Request): Promise<Reply> {
  const { client } = request.context
  const invite = await store.getInvite(client, parameterOf(request, 'invite', inviteIdSchema))
  if (invite === undefined) throw new StraightwayError('not-found')
  expectVisible(request, 'network.read', { networks: [invite.network] })
  expectMay(request, 'invite.delete', { networks: [invite.network], user: invite.user })
  await store.deleteInvite(client, invite.invite)
  return nothing()
}
