/** Routes for invites into a network. */
import { StraightwayError } from '../../shared/errors.ts'
import { type Invite, newInviteSchema } from '../../shared/model/invite.ts'
import { makerOf } from '../../shared/model/membership.ts'
import { createInvites } from '../../shared/store/invites.ts'
import { createUsers } from '../../shared/store/users.ts'
import { inviteAnswer, madeInviteAnswer, pageOf } from './answers.ts'
import { visibleNetwork } from './networks.ts'
import { created, nothing, ok, page } from './reply.ts'
import { expectVisible, type Request } from './request.ts'
import { PAGE, route } from './route.ts'

const tag = 'Invites'

export const inviteRoutes = [
  /** An invite that a user makes for itself only enrols further peers of that user; it grants no membership. */
  route({
    operation: 'createInvite',
    door: 'POST /v1/networks/{network}/invites',
    who: 'credential',
    permission: 'invite.create',
    tag,
    summary: 'Make an invite; its code is told once',
    body: newInviteSchema,
    example: { role: 'member', uses: 20 },
    answers: { 201: madeInviteAnswer },
    errors: ['conflict'],
    async handle(call) {
      const { network } = await visibleNetwork(call)
      const { actor, context } = call
      const { role, user, ...rest } = call.body()
      const grounds = call.allow({ networks: [network], roles: [role], user })
      if (user !== undefined) await createUsers(context.client).require(user)
      const granted = user !== undefined && actor.kind === 'peer' ? undefined : role
      const given = { ...rest, network, user, role: granted, by: makerOf(actor) }
      const made = await createInvites(context.client).create(given, context.now(), grounds, call.random)
      return created({ ...made.invite, code: made.code }, `/v1/invites/${made.invite.invite}`)
    },
  }),
  route({
    operation: 'listInvites',
    door: 'GET /v1/networks/{network}/invites',
    who: 'credential',
    permission: 'invite.read',
    tag,
    summary: 'Invites by the first letters of their code',
    query: PAGE,
    answers: { 200: pageOf(inviteAnswer) },
    async handle(call) {
      const { network } = await visibleNetwork(call)
      call.allow({ networks: [network] })
      return page(await createInvites(call.context.client).list(network, call.query))
    },
  }),
  route({
    operation: 'readInvite',
    door: 'GET /v1/invites/{invite}',
    who: 'credential',
    permission: 'invite.read',
    tag,
    summary: 'An invite, without its code',
    answers: { 200: inviteAnswer },
    async handle(call) {
      const invite = await visibleInvite(call)
      call.allow({ networks: [invite.network], user: invite.user })
      return ok(invite)
    },
  }),
  route({
    operation: 'deleteInvite',
    door: 'DELETE /v1/invites/{invite}',
    who: 'credential',
    permission: 'invite.delete',
    tag,
    summary: 'Take an invite back',
    answers: { 204: null },
    async handle(call) {
      const invite = await visibleInvite(call)
      const grounds = call.allow({ networks: [invite.network], user: invite.user })
      await createInvites(call.context.client).delete(invite, call.context.now(), grounds)
      return nothing()
    },
  }),
]

async function visibleInvite(
  request: Request & { readonly path: { readonly invite: string } },
): Promise<Invite> {
  const invite = await createInvites(request.context.client).get(request.path.invite)
  if (invite === undefined) throw new StraightwayError('not-found')
  expectVisible(request, 'network.read', { networks: [invite.network] })
  return invite
}
