/**
 * A membership ties a user to a network with a role. Each role may do what those below it may.
 *
 *   guest   is seen, sees the members, reads objects
 *   member  makes objects
 *   admin   edits the network, manages members and invites up to its own role
 *   owner   deletes the network; the last one cannot leave
 */
import { z } from 'zod'
import type { NetworkId, UserId } from '../ids.ts'

export const ROLES = ['guest', 'member', 'admin', 'owner'] as const
export type Role = (typeof ROLES)[number]

export interface Membership {
  readonly network: NetworkId
  readonly user: UserId
  readonly role: Role
  readonly joinedAt: number
}

export const roleSchema = z.enum(ROLES)
export const membershipSchema = z.strictObject({ role: roleSchema.default('member') })

/** Whether `role` may do what `wanted` may. */
export function atLeast(role: Role | undefined, wanted: Role): boolean {
  return role !== undefined && ROLES.indexOf(role) >= ROLES.indexOf(wanted)
}
