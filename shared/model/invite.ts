/**
 * An invite lets anybody with its code add a peer to a network: as a new user, or as another peer of the user that the invite
 * names. A code is four groups of four characters, 80 random bits, easy to spell out.
 *
 * Two things are stored: the hash of the code, which is the invite's id, and the first group, by which people recognise the
 * code. So 60 bits stay unknown to a reader of the table.
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

/** Most uses of an invite. It is meant for a reusable invite of an event or a class; more users are added with an API key. */
const MAX_USES = 100_000

export const newInviteSchema = z.strictObject({
  role: roleSchema.default('member'),
  user: userIdSchema.optional(),
  uses: z.int().min(1).max(MAX_USES).default(1),
  /** Lifetime in milliseconds, from now. */
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

/**
 * The canonical form of a typed code; undefined if it is not a code. Case, blanks and dashes do not matter; 0 is read as the
 * letter O, and 1 as L.
 */
export function normalizeInviteCode(typed: string): string | undefined {
  const letters = typed.toLowerCase().replace(/[\s-]/g, '').replaceAll('0', 'o').replaceAll('1', 'l')
  const code = letters.match(/.{1,4}/g)?.join('-') ?? ''
  return CODE.test(code) && fromBase32(letters) !== undefined ? code : undefined
}
