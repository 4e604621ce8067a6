/**
 * A membership connects a user to a network, with a role and a state. Each role includes the permissions of lower roles.
 *
 *   guest   is seen, sees the members, reads objects
 *   member  makes objects
 *   admin   edits the network, manages members and invites up to its own role
 *   owner   deletes the network; the last one cannot leave
 *
 * Only an active membership counts for permissions, tickets, limits and the number of owners.
 *
 *   invited    an admin added the user, who has yet to accept
 *   requested  the user asked to join a network that takes requests; an admin has yet to agree
 *   active     a member
 *   suspended  a member that may do nothing until an admin makes it active again
 *   banned     comes back by no invite; an admin lifts the ban by removing the membership
 *   removed    an admin took the membership away: invites made before that do not bring the user back
 */
import { z } from 'zod'
import type { Maker, MembershipRecord, MembershipState, Role } from '../resources.ts'
import type { Actor } from './permission.ts'

export type { Maker, MembershipState, Role }

export const ROLES = ['guest', 'member', 'admin', 'owner'] as const satisfies readonly Role[]

export const STATES = [
  'invited',
  'requested',
  'active',
  'suspended',
  'banned',
  'removed',
] as const satisfies readonly MembershipState[]

export type Membership = MembershipRecord

export const roleSchema = z.enum(ROLES)
export const stateSchema = z.enum(STATES)

/** A change of a membership. Default role: the current one, or `member` for a new member. Default state: see `stateAfter`. */
export const membershipSchema = z.strictObject({
  role: roleSchema.optional(),
  state: z.enum(['active', 'suspended', 'banned']).optional(),
})

/** True if `role` includes the permissions of `wanted`. */
export function atLeast(role: Role | undefined, wanted: Role): boolean {
  return role !== undefined && ROLES.indexOf(role) >= ROLES.indexOf(wanted)
}

/** The role of an active membership; undefined if it is not active. */
export function activeRole(membership: Pick<Membership, 'role' | 'state'> | undefined): Role | undefined {
  return membership?.state === 'active' ? membership.role : undefined
}

export function makerOf(actor: Actor): Maker | undefined {
  if (actor.kind === 'peer') return actor.user
  return actor.kind === 'key' ? `key:${actor.key}` : undefined
}

type Wanted = z.infer<typeof membershipSchema>['state']

/**
 * The state after a manager of the network changes a membership; undefined if the change is not allowed. A user who has not
 * asked to join must accept first. If an API key adds the user, no acceptance is needed, because the team decides.
 */
export function stateAfter(
  current: MembershipState | undefined,
  wanted: Wanted,
  isKey: boolean,
): MembershipState | undefined {
  const added = isKey ? 'active' : 'invited'
  switch (current) {
    case undefined:
    case 'removed':
    case 'invited':
      return wanted === 'suspended' ? undefined : wanted === 'banned' ? 'banned' : added
    case 'requested':
      return wanted === 'suspended' ? undefined : (wanted ?? 'active')
    case 'active':
    case 'suspended':
      return wanted ?? current
    case 'banned':
      return wanted === 'active' ? added : wanted === 'suspended' ? undefined : 'banned'
  }
}
