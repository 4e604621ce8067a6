/**
 * An invite lets whoever has its code bring a peer into a network: as a new user, or as a further peer of the user it
 * names. A code is four groups of four letters, 80 random bits, easy to say. Kept are its hash, which is the invite's
 * id, and the first group, by which people recognise it: 60 bits stay unknown to a reader of the table.
 */
import { z } from 'zod'
import { fromBase32, toBase32 } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import type { InviteRecord } from '../resources.ts'
import { userIdSchema } from './identifiers.ts'
import { roleSchema } from './membership.ts'

export type Invite = InviteRecord

export const inviteIdSchema = z.string().regex(/^[a-z2-7]{26}$/, 'is no invite id')

export const CODE_BYTES = 10
const CODE = /^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/

/** A reusable invite of a game night or a class; more are made with an API key. */
const MAX_USES = 100_000

export const newInviteSchema = z.strictObject({
  role: roleSchema.default('member'),
  user: userIdSchema.optional(),
  uses: z.int().min(1).max(MAX_USES).default(1),
  /** From now, in milliseconds. */
  validMs: z
    .int()
    .min(1000)
    .max(365 * 24 * 3600_000)
    .default(LIMITS.inviteMs),
})

export function inviteCodeOf(random: Uint8Array): string {
  const letters = toBase32(random.subarray(0, CODE_BYTES))
  return [0, 4, 8, 12].map((at) => letters.slice(at, at + 4)).join('-')
}

/** The code as it was given out, from how somebody typed it; undefined where it is no code. */
export function normalizeInviteCode(typed: string): string | undefined {
  const letters = typed.toLowerCase().replace(/[\s-]/g, '').replaceAll('0', 'o').replaceAll('1', 'l')
  const code = letters.match(/.{1,4}/g)?.join('-') ?? ''
  return CODE.test(code) && fromBase32(letters) !== undefined ? code : undefined
}
