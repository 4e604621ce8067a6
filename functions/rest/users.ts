/** Users, each as the caller may see it. */
import type { z } from 'zod'
import { StraightwayError } from '../../shared/errors.ts'
import type { UserId } from '../../shared/ids.ts'
import { jobIdOf } from '../../shared/model/job.ts'
import { makerOf } from '../../shared/model/membership.ts'
import { may, type PeerActor } from '../../shared/model/permission.ts'
import { expectVersion } from '../../shared/model/precondition.ts'
import { newUserSchema, type User } from '../../shared/model/user.ts'
import type { UserDetails } from '../../shared/resources.ts'
import { createDeletions } from '../../shared/store/deletions.ts'
import { changeMembership, getMembership, listMembershipsOf } from '../../shared/store/memberships.ts'
import { getNetworks } from '../../shared/store/networks.ts'
import { isBlocked } from '../../shared/store/blocks.ts'
import * as store from '../../shared/store/users.ts'
import { jobAnswer, membershipAnswer, pageOf, userAnswer, userDetailsAnswer } from './answers.ts'
import type { Context } from './context.ts'
import { begun, underWay } from './jobs.ts'
import { accepted, created, found, page, seen } from './reply.ts'
import { expectVisible, type Request } from './request.ts'
import { type Call, PAGE, route, SEARCH } from './route.ts'
import { patchSchema } from './schemas.ts'
import { listEntity } from './search.ts'

const tag = 'Users'

export const userRoutes = [
  route({
    operation: 'createUser',
    door: 'POST /v1/users',
    who: 'key',
    permission: 'user.create',
    tag,
    summary: 'Make a user',
    body: newUserSchema,
    example: { name: 'Ann', attributes: { team: 'red' } },
    answers: { 201: userDetailsAnswer },
    errors: ['conflict'],
    async handle({ context: { client, now }, allow, body, actor }) {
      allow()
      const user = await store.createUser(client, body(), now())
      return created(viewOf(user, { actor }), `/v1/users/${user.user}`)
    },
  }),
  route({
    operation: 'listUsers',
    door: 'GET /v1/users',
    who: 'credential',
    permission: 'search',
    tag,
    summary: 'Users of the networks of the caller',
    query: SEARCH,
    answers: { 200: pageOf(userAnswer) },
    handle: (call) => listEntity(call, 'user'),
  }),
  route({
    operation: 'readUser',
    door: 'GET /v1/users/{user}',
    who: 'credential',
    permission: 'user.read',
    tag,
    summary: 'A user',
    answers: { 200: userDetailsAnswer },
    handle: async (call) => seen(viewOf(await visibleUser(call), call), call.precondition),
  }),
  route({
    operation: 'updateUser',
    door: 'PATCH /v1/users/{user}',
    who: 'credential',
    permission: 'user.update',
    tag,
    summary: 'Change name or attributes (merge patch)',
    body: patchSchema,
    example: { attributes: { team: null, level: 3 } },
    answers: { 200: userDetailsAnswer },
    conditional: true,
    async handle(call) {
      const { user, networks } = await visibleUser(call)
      const grounds = call.allow({ user, networks })
      const { client, now } = call.context
      const edit = { patch: call.body(), precondition: call.precondition, grounds, now: now() }
      return found(viewOf(await store.updateUser(client, user, edit), call))
    },
  }),
  route({
    operation: 'deleteUser',
    door: 'DELETE /v1/users/{user}',
    who: 'credential',
    permission: 'user.delete',
    tag,
    summary: 'Delete a user with its memberships, peers, private objects',
    answers: { 202: jobAnswer },
    errors: ['conflict'],
    conditional: true,
    handle: deleteUser,
  }),
  route({
    operation: 'listMemberships',
    door: 'GET /v1/users/{user}/memberships',
    who: 'credential',
    permission: 'membership.list',
    tag,
    summary: 'What ties a user to networks, invitations and requests included',
    query: PAGE,
    answers: { 200: pageOf(membershipAnswer) },
    async handle(call) {
      const { user } = await visibleUser(call)
      call.allow({ user })
      return page(await listMembershipsOf(call.context.client, user, call.query))
    },
  }),
]

interface Named {
  readonly path: { readonly user: UserId }
}

/** An API key deletes whomever; a user itself not while a network would lose its last owner. */
async function deleteUser(call: Call<Named['path'], object, z.output<z.ZodType>>) {
  const { context, actor, path, precondition } = call
  const going = await underWay(call, jobIdOf(path.user))
  if (going !== undefined) return accepted(going)
  const user = await visibleUser(call)
  call.allow(user)
  expectVersion(user.version, precondition)
  if (actor.kind === 'peer') await resignEverywhere(context, actor)
  const start = { by: makerOf(actor), now: context.now() }
  return accepted(await begun(context, await createDeletions(context.client).ofUser(user, start)))
}

/** Errors: `not-found`, also where the caller may not see the user. */
export async function visibleUser(request: Request & Named): Promise<User> {
  const user = await store.getUser(request.context.client, request.path.user)
  if (user === undefined) throw new StraightwayError('not-found')
  expectVisible(request, 'user.read', user)
  if (await isHiddenFrom(request, user)) throw new StraightwayError('not-found')
  return user
}

/** Whoever is blocked by a user sees as much of it as a stranger does. Most users block nobody: that costs no read. */
export async function isHiddenFrom(
  { actor, context }: Pick<Request, 'actor' | 'context'>,
  { user, blocks }: User,
): Promise<boolean> {
  if (actor.kind !== 'peer' || actor.user === user || blocks === 0) return false
  return isBlocked(context.client, user, [actor.peer, actor.user])
}

/**
 * Where the user is an owner beside others it steps down, each step on the condition that another owner is there. Errors:
 * `conflict` where it is the last one; it is checked for all networks before the first step.
 */
async function resignEverywhere({ client, now }: Context, { user, roles }: PeerActor): Promise<void> {
  const owned = [...roles].filter(([, role]) => role === 'owner').map(([network]) => network)
  const orphaned = (await getNetworks(client, owned)).find(({ owners }) => owners === 1)
  if (orphaned !== undefined) {
    const { network } = orphaned
    throw new StraightwayError(
      'conflict',
      `${network} would lose its last owner: make another one or delete it first`,
    )
  }
  for (const network of owned) {
    const from = await getMembership(client, network, user)
    if (from?.role !== 'owner') continue
    await changeMembership(client, { from, to: { ...from, role: 'admin', by: user, changedAt: now() } })
  }
}

/** Others see of a user's networks those they share. */
function viewOf({ blocks: _, subject, ...user }: User, { actor }: Pick<Request, 'actor'>): UserDetails {
  const own = may(actor, 'blocks.read', user)
  if (own || actor.kind !== 'peer') return subject === undefined ? user : { ...user, subject }
  return { ...user, networks: user.networks.filter((network) => actor.roles.has(network)) }
}
