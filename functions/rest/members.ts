/** Routes for the members of a network. Each member has the best presence among its user's peers. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Asker } from '../../shared/directory.ts'
import { StraightwayError } from '../../shared/errors.ts'
import type { UserId } from '../../shared/ids.ts'
import {
  type Membership,
  makerOf,
  membershipSchema,
  type Role,
  stateAfter,
  stateSchema,
} from '../../shared/model/membership.ts'
import { hiddenSince } from '../../shared/model/peer.ts'
import type { Resource } from '../../shared/model/permission.ts'
import { createBlocks } from '../../shared/store/blocks.ts'
import { seenMembers } from '../../shared/store/member-presence.ts'
import { createMemberships } from '../../shared/store/memberships.ts'
import { createNetworks } from '../../shared/store/networks.ts'
import { createUsers } from '../../shared/store/users.ts'
import { memberAnswer, membershipAnswer, pageOf } from './answers.ts'
import { visibleNetwork } from './networks.ts'
import { nothing, ok, page } from './reply.ts'
import { expectMay, type Request } from './request.ts'
import { PAGE, route } from './route.ts'
import { viewerOf } from './search.ts'

const tag = 'Members'

export const memberRoutes = [
  route({
    operation: 'listMembers',
    door: 'GET /v1/networks/{network}/members',
    who: 'credential',
    permission: 'member.read',
    tag,
    summary: 'Members with their role and presence; for admins also who is in another state',
    query: { ...PAGE, state: stateSchema.default('active') },
    answers: { 200: pageOf(memberAnswer) },
    async handle(call) {
      const { network } = await visibleNetwork(call)
      const { client } = call.context
      const { state } = call.query
      call.allow({ networks: [network] })
      if (state !== 'active') expectMay(call.actor, 'member.review', { networks: [network] })
      const members = await createMemberships(client).list(network, call.query, state)
      return page({ ...members, items: await withPresence(client, members.items, viewerOf(call.actor)) })
    },
  }),
  route({
    operation: 'readMember',
    door: 'GET /v1/networks/{network}/members/{user}',
    who: 'credential',
    permission: 'member.read',
    tag,
    summary: 'A membership',
    answers: { 200: membershipAnswer },
    async handle(call) {
      const { network, user } = call.path
      const membership = await createMemberships(call.context.client).get(network, user)
      if (isOwn(call, user) && membership !== undefined) return ok(membership)
      await visibleNetwork(call)
      call.allow({ networks: [network] })
      if (membership === undefined) throw NO_MEMBER()
      if (membership.state !== 'active') expectMay(call.actor, 'member.review', { networks: [network] })
      return ok(membership)
    },
  }),
  route({
    operation: 'putMember',
    door: 'PUT /v1/networks/{network}/members/{user}',
    who: 'credential',
    permission: 'member.change',
    tag,
    summary: 'Add a member, change its role, suspend or ban it; of oneself: accept, or ask to join',
    body: membershipSchema,
    example: { role: 'admin' },
    answers: { 200: membershipAnswer },
    errors: ['conflict', 'too-large'],
    async handle(call) {
      const { network, user } = call.path
      const from = await createMemberships(call.context.client).get(network, user)
      const own = isOwn(call, user) ? await joins(call, call.path, from, call.body()) : undefined
      if (own !== undefined) return ok(own)
      await visibleNetwork(call)
      const { role = from?.role ?? 'member', state: wanted } = call.body()
      const roles: Role[] = [role, ...(from && from.state !== 'removed' ? [from.role] : [])]
      const grounds = call.allow({ networks: [network], roles })
      const { client, now } = call.context
      expectKnown(call, await createUsers(client).get(user))
      const state = stateAfter(from?.state, wanted, call.actor.kind === 'key')
      if (state === undefined) throw notNow(from, wanted)
      const to = changed(from, { network, user, role, state }, call)
      if (from?.role === role && from.state === state) return ok(from)
      await createMemberships(client).change({ from, to: joined(from, to, now()), grounds })
      return ok(joined(from, to, now()))
    },
  }),
  route({
    operation: 'deleteMember',
    door: 'DELETE /v1/networks/{network}/members/{user}',
    who: 'credential',
    permission: 'member.remove',
    tag,
    summary: 'Remove a member or lift a ban; of oneself: leave, or decline',
    answers: { 204: null },
    errors: ['conflict'],
    async handle(call) {
      const { network, user } = call.path
      const { client } = call.context
      const from = await createMemberships(client).get(network, user)
      if (isOwn(call, user) && from !== undefined && leavesFreely(from)) {
        await createMemberships(client).change({ from, to: undefined })
        return nothing()
      }
      await visibleNetwork(call)
      const grounds = call.allow({ user, networks: [network], roles: from ? [from.role] : [] })
      if (from === undefined || from.state === 'removed') throw NO_MEMBER()
      const to = changed(from, { ...from, state: 'removed' }, call)
      await createMemberships(client).change({ from, to, grounds })
      return nothing()
    },
  }),
]

/**
 * Applies what a user decides about its own membership: to accept an invitation, to join an open network, or to ask
 * to join. Undefined if the change is none of these: it then needs the rights that a change of any other membership
 * needs.
 */
async function joins(
  call: Request,
  { network, user }: Pick<Membership, 'network' | 'user'>,
  from: Membership | undefined,
  { role, state }: { readonly role?: Role | undefined; readonly state?: string | undefined },
): Promise<Membership | undefined> {
  const { client, now } = call.context
  if (from !== undefined && from.state !== 'invited') return from.state === 'requested' ? from : undefined
  if (state !== undefined && state !== 'active') return undefined
  const joining = from ? 'open' : ((await createNetworks(client).get(network))?.joining ?? 'invite')
  if (joining === 'invite') return undefined
  if (role !== undefined && role !== (from?.role ?? 'member'))
    throw new StraightwayError('forbidden', 'role: an admin gives it')
  const next = joining === 'open' ? 'active' : 'requested'
  const to = changed(from, { network, user, role: from?.role ?? 'member', state: next }, call)
  await createMemberships(client).change({ from, to: joined(from, to, now()) })
  return joined(from, to, now())
}

const isOwn = ({ actor }: Request, user: string) => actor.kind === 'peer' && actor.user === user

/** Whether leaving removes the membership. A user cannot shed a suspension, ban or removal by leaving. */
const leavesFreely = ({ state }: Membership) => ['invited', 'requested', 'active'].includes(state)

type Standing = Pick<Membership, 'network' | 'user' | 'role' | 'state'>

function changed(
  from: Membership | undefined,
  { network, user, role, state }: Standing,
  { actor, context }: Request,
): Membership {
  const by = makerOf(actor)
  const since = from?.joinedAt === undefined ? {} : { joinedAt: from.joinedAt }
  const invite = from?.invite === undefined ? {} : { invite: from.invite }
  return { network, user, role, state, ...(by && { by }), changedAt: context.now(), ...since, ...invite }
}

/** Sets `joinedAt` when a membership becomes active. One that was active or suspended before keeps its earlier time. */
function joined(from: Membership | undefined, to: Membership, now: number): Membership {
  const stays = from?.joinedAt !== undefined && ['active', 'suspended'].includes(from.state)
  return to.state === 'active' && !stays ? { ...to, joinedAt: now } : to
}

function notNow(from: Membership | undefined, wanted: string | undefined): StraightwayError {
  const state = from?.state ?? 'no member'
  return new StraightwayError('conflict', `state: who is ${state} cannot become ${wanted}`)
}

const NO_MEMBER = () => new StraightwayError('not-found', 'The user is no member of this network')

function expectKnown({ actor }: Request, user: Resource | undefined): void {
  if (actor.kind !== 'peer' && user !== undefined) return
  if (actor.kind === 'peer' && user?.networks?.some((network) => actor.roles.has(network))) return
  throw new StraightwayError('not-found', 'You share no network with such a user: send an invite instead')
}

/** Adds name and presence to the members. A user that blocks the viewer appears offline. */
async function withPresence(
  client: DynamoDBDocumentClient,
  members: readonly Membership[],
  viewer: Asker | undefined,
) {
  const [first] = members
  if (first === undefined) return []
  const users = members.map(({ user }) => user)
  const [seen, blockedAt] = await Promise.all([
    seenMembers(client, first.network, users),
    viewer === undefined ? new Map<UserId, number>() : createBlocks(client).blockersAmong(viewer, users),
  ])
  return members.map((member) => {
    const at = blockedAt.get(member.user)
    const { status, custom, lastSeenAt } = hiddenSince(at ?? 0)
    const hidden = at === undefined ? {} : { presence: { status, custom, lastSeenAt } }
    return { ...member, ...seen.get(member.user), ...hidden }
  })
}
