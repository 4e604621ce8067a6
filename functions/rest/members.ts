/** Members of a network, each with the best presence among the peers of its user. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../../shared/errors.ts'
import { userIdSchema } from '../../shared/model/identifiers.ts'
import { type Membership, membershipSchema } from '../../shared/model/membership.ts'
import type { Resource } from '../../shared/model/permission.ts'
import type { Status } from '../../shared/presence.ts'
import * as store from '../../shared/store/memberships.ts'
import { forEach } from '../../shared/store/pages.ts'
import { getPeersWithPresence, peersOfUser } from '../../shared/store/peers.ts'
import { getUser, getUsers } from '../../shared/store/users.ts'
import { visibleNetwork } from './networks.ts'
import { nothing, ok, page, type Reply } from './reply.ts'
import { bodyOf, expectMay, pageOf, parameterOf, type Request } from './request.ts'

/** How reachable a user is by a peer of this status. */
const RANKS: Readonly<Record<Status, number>> = {
  online: 4,
  busy: 3,
  away: 2,
  unknown: 1,
  offline: 0,
  invisible: 0,
}

export async function listMembers(request: Request): Promise<Reply> {
  const { network } = await visibleNetwork(request)
  expectMay(request, 'member.read', { networks: [network] })
  const { client } = request.context
  const members = await store.listMembers(client, network, pageOf(request))
  return page({ ...members, items: await withPresence(client, members.items) })
}

/** A new member must be somebody the caller shares a network with already; others are invited. */
export async function putMember(request: Request): Promise<Reply> {
  const { network } = await visibleNetwork(request)
  const { client, now } = request.context
  const { role } = bodyOf(request, membershipSchema)
  const user = parameterOf(request, 'user', userIdSchema)
  const current = await store.getMembership(client, network, user)
  expectMay(request, 'member.change', {
    networks: [network],
    roles: [role, ...(current ? [current.role] : [])],
  })
  expectKnown(request, await getUser(client, user))
  return ok(await store.putMembership(client, { network, user, role }, now()))
}

export async function deleteMember(request: Request): Promise<Reply> {
  const { network } = await visibleNetwork(request)
  const { client } = request.context
  const user = parameterOf(request, 'user', userIdSchema)
  const current = await store.getMembership(client, network, user)
  expectMay(request, 'member.remove', { user, networks: [network], roles: current ? [current.role] : [] })
  await store.removeMembership(client, network, user)
  return nothing()
}

function expectKnown({ actor }: Request, user: Resource | undefined): void {
  if (actor.kind !== 'peer' && user !== undefined) return
  if (actor.kind === 'peer' && user?.networks?.some((network) => actor.roles.has(network))) return
  throw new StraightwayError('not-found', 'You share no network with such a user: send an invite instead')
}

async function withPresence(client: DynamoDBDocumentClient, members: readonly Membership[]) {
  const users = new Map(
    (
      await getUsers(
        client,
        members.map(({ user }) => user),
      )
    ).map((user) => [user.user, user]),
  )
  const peers = new Map<string, Awaited<ReturnType<typeof bestPeerOf>>>()
  await forEach(members, async ({ user }) => peers.set(user, await bestPeerOf(client, user)))
  return members.map((member) => {
    const best = peers.get(member.user)
    const { status, custom, lastSeenAt } = best?.presence ?? { status: 'offline', custom: '', lastSeenAt: 0 }
    const presence = { status, custom, lastSeenAt, ...(best && { peer: best.peer }) }
    return { ...member, name: users.get(member.user)?.name ?? '', presence }
  })
}

async function bestPeerOf(client: DynamoDBDocumentClient, user: Membership['user']) {
  const peers = await getPeersWithPresence(client, await peersOfUser(client, user))
  const usable = peers.filter(({ revokedAt }) => revokedAt === undefined)
  return usable.sort((a, b) => rankOf(b) - rankOf(a) || b.presence.lastSeenAt - a.presence.lastSeenAt)[0]
}

function rankOf({ presence }: { readonly presence: { readonly status: Status } }): number {
  return RANKS[presence.status]
}
