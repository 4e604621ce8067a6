/** Routes for users. Each caller sees what it may. */
import type { z } from 'zod'
import { StraightwayError } from '../../shared/errors.ts'
import type { UserId } from '../../shared/ids.ts'
import { jobIdOf } from '../../shared/model/job.ts'
import { activeRole, type Membership, makerOf } from '../../shared/model/membership.ts'
import { may, networksOf, type PeerActor } from '../../shared/model/permission.ts'
import { expectVersion } from '../../shared/model/precondition.ts'
import { newUserSchema, type User } from '../../shared/model/user.ts'
import { toMembers, toStrangers } from '../../shared/model/visibility.ts'
import type { UserDetails } from '../../shared/resources.ts'
import { createBlocks } from '../../shared/store/blocks.ts'
import { createDeletions } from '../../shared/store/deletions.ts'
import { createMemberships } from '../../shared/store/memberships.ts'
import { createNetworks } from '../../shared/store/networks.ts'
import { createUsers } from '../../shared/store/users.ts'
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
    async handle({ context: { client, now }, allow, body, actor, random }) {
      allow()
      const user = await createUsers(client).create(body(), now(), random)
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
    handle: async (call) => seen(viewOf(await readableUser(call), call), call.precondition),
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
      return found(viewOf(await createUsers(client).update(user, edit), call))
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
    summary: 'Lists the memberships of a user, with invitations and requests',
    query: PAGE,
    answers: { 200: pageOf(membershipAnswer) },
    async handle(call) {
      const { user } = await visibleUser(call)
      call.allow({ user })
      return page(await createMemberships(call.context.client).listOfUser(user, call.query))
    },
  }),
]

interface Named {
  readonly path: { readonly user: UserId }
}

/**
 * Deletes a user. An API key may delete any user; a user may not delete itself while it is the last owner of a
 * network.
 */
async function deleteUser(call: Call<Named['path'], object, z.output<z.ZodType>>) {
  const { context, actor, path, precondition } = call
  const going = await underWay(call, jobIdOf(path.user))
  if (going !== undefined) return accepted(going)
  const user = await visibleUser(call)
  call.allow(user)
  expectVersion(user.version, precondition)
  const resigns = actor.kind === 'peer' ? await ownedBy(context, actor) : []
  const start = { by: makerOf(actor), now: context.now() }
  return accepted(await begun(context, await createDeletions(context.client).ofUser(user, start, resigns)))
}

/** The user, if the caller may see it. Errors: `not-found`, also if it may not. */
export async function visibleUser(request: Request & Named): Promise<User> {
  const user = await createUsers(request.context.client).get(request.path.user)
  if (user === undefined) throw new StraightwayError('not-found')
  expectVisible(request, 'user.read', user)
  return user
}

/**
 * The user with the attributes that the caller may see. Errors: `not-found`, also if the caller shares no network
 * with the user and nothing of it is public.
 */
async function readableUser(call: Request & Named): Promise<User> {
  const { actor, context, path } = call
  if (actor.kind !== 'peer') return visibleUser(call)
  const user = await createUsers(context.client).get(path.user)
  if (user === undefined) throw new StraightwayError('not-found')
  if (may(actor, 'user.read', user)) return user
  const shown = toStrangers(user, actor.visibility ?? {})
  if (shown === undefined || (await isBlockedBy(call, user))) throw new StraightwayError('not-found')
  return shown
}

/**
 * True if the user blocks the calling peer or its user. Public attributes are hidden from callers that the user
 * blocks.
 */
export async function isBlockedBy(
  { actor, context: { client } }: Pick<Request, 'actor' | 'context'>,
  { user, blocks }: User,
): Promise<boolean> {
  return actor.kind === 'peer' && blocks > 0 && createBlocks(client).isBlocked(user, [actor.peer, actor.user])
}

/** The active memberships in which the user is an owner. Errors: `conflict` if it is the last owner of a network. */
async function ownedBy({ client }: Context, { user, roles }: PeerActor): Promise<readonly Membership[]> {
  const owned = [...roles].filter(([, role]) => role === 'owner').map(([network]) => network)
  const orphaned = (await createNetworks(client).getMany(owned)).find(({ owners }) => owners === 1)
  if (orphaned !== undefined) {
    const { network } = orphaned
    throw new StraightwayError(
      'conflict',
      `${network} would lose its last owner: make another one or delete it first`,
    )
  }
  const memberships = await Promise.all(owned.map((network) => createMemberships(client).get(network, user)))
  return memberships
    .filter((membership) => membership !== undefined)
    .filter((each) => activeRole(each) === 'owner')
}

/**
 * The user as the caller sees it. The user itself and API keys see everything; a key of some networks sees no others, and
 * no subject. Peers see the networks that they share with the user, and attributes that are not private.
 */
function viewOf({ blocks: _, subject, ...user }: User, { actor }: Pick<Request, 'actor'>): UserDetails {
  const [own, limited] = [may(actor, 'blocks.read', user), networksOf(actor)]
  if (own || limited === undefined) return subject === undefined ? user : { ...user, subject }
  const networks = user.networks.filter((network) => limited.includes(network))
  return { ...(actor.kind === 'peer' ? toMembers(user, actor.visibility ?? {}) : user), networks }
}
