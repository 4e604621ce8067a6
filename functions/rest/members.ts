/** Routes for the members of a network. Each member has the best presence among its user's peers. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Asker } from '../../shared/directory.ts'
import { StraightwayError } from '../../shared/errors.ts'
import type { UserId } from '../../shared/ids.ts'
import {
  type Membership,
  membershipSchema,
  type Role,
  stateAfter,
  stateSchema,
} from '../../shared/model/membership.ts'
import { hiddenSince } from '../../shared/model/peer.ts'
import { networksOf, type Resource } from '../../shared/model/permission.ts'
import { createBlocks } from '../../shared/store/blocks.ts'
import { seenMembers } from '../../shared/store/member-presence.ts'
import { createMemberships } from '../../shared/store/memberships.ts'
import { createUsers } from '../../shared/store/users.ts'
import { memberAnswer, membershipAnswer, pageOf } from './answers.ts'
import { changed, joined, joins } from './joining.ts'
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
    errors: ['conflict', 'gone', 'too-large'],
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
      const state = stateAfter(from?.state, wanted, networksOf(call.actor) === undefined)
      if (state === undefined) throw notNow(from, wanted)
      const to = changed(from, { network, user, role, state }, call)
      // Whoever invites again becomes the maker of the invitation, which otherwise ends with the first one's right.
      const isSame = from?.role === role && from.state === state
      if (isSame && (state !== 'invited' || from.by === to.by)) return ok(from)
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

const isOwn = ({ actor }: Request, user: string) => actor.kind === 'peer' && actor.user === user

/** True if leaving removes the membership. A user cannot shed a suspension, ban or removal by leaving. */
const leavesFreely = ({ state }: Membership) => ['invited', 'requested', 'active'].includes(state)

function notNow(from: Membership | undefined, wanted: string | undefined): StraightwayError {
  const state = from?.state ?? 'no member'
  return new StraightwayError('conflict', `state: who is ${state} cannot become ${wanted}`)
}

const NO_MEMBER = () => new StraightwayError('not-found', 'The user is no member of this network')

function expectKnown({ actor }: Request, user: Resource | undefined): void {
  const networks = networksOf(actor)
  if (networks === undefined && user !== undefined) return
  if (user?.networks?.some((network) => networks?.includes(network))) return
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
