/** How a membership begins: what the invited or joining user decides, and what every change records. */
import { StraightwayError } from '../../shared/errors.ts'
import { type Membership, makerOf, type Role } from '../../shared/model/membership.ts'
import { makerSteps } from '../../shared/store/makers.ts'
import { createMemberships } from '../../shared/store/memberships.ts'
import { createNetworks } from '../../shared/store/networks.ts'
import type { Request } from './request.ts'

/**
 * Applies what a user decides about its own membership: to accept an invitation, to join an open network, or to ask
 * to join. Undefined if the change is none of these: it then needs the rights that a change of any other membership
 * needs. Errors: `gone` if whoever invited the user may no longer do so.
 */
export async function joins(
  call: Request,
  { network, user }: Pick<Membership, 'network' | 'user'>,
  from: Membership | undefined,
  { role, state }: { readonly role?: Role | undefined; readonly state?: string | undefined },
): Promise<Membership | undefined> {
  const { client, now } = call.context
  if (from !== undefined && from.state !== 'invited') return from.state === 'requested' ? from : undefined
  if (state !== undefined && state !== 'active') return undefined
  const joining = from ? undefined : ((await createNetworks(client).get(network))?.joining ?? 'invite')
  if (joining === 'invite') return undefined
  if (role !== undefined && role !== (from?.role ?? 'member'))
    throw new StraightwayError('forbidden', 'role: an admin gives it')
  const next = joining === 'approval' ? 'requested' : 'active'
  const to = changed(from, { network, user, role: from?.role ?? 'member', state: next }, call)
  const conditions = from ? await makerSteps(client, from, now()) : []
  await createMemberships(client).change({ from, to: joined(from, to, now()), conditions, joining })
  return joined(from, to, now())
}

type Standing = Pick<Membership, 'network' | 'user' | 'role' | 'state'>

/** The membership after a change by the caller. */
export function changed(
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
export function joined(from: Membership | undefined, to: Membership, now: number): Membership {
  const stays = from?.joinedAt !== undefined && ['active', 'suspended'].includes(from.state)
  return to.state === 'active' && !stays ? { ...to, joinedAt: now } : to
}
