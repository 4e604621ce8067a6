/**
 * An API key authenticates a team's own servers and people; it can see every network. It is shown once, as
 * `sw_<key>_<secret>`. Only a hash of the secret is stored.
 */
import { z } from 'zod'
import { toBase32 } from '../ids.ts'
import type { ApiKeyRecord } from '../resources.ts'
import { collectionNameSchema } from './collection.ts'
import { networkIdSchema } from './identifiers.ts'
import { nameSchema } from './user.ts'

export type ApiKey = ApiKeyRecord

export const KEY_BYTES = 10
export const SECRET_BYTES = 32

export const apiKeyIdSchema = z.string().regex(/^[a-z0-9]{1,32}$/, 'is no API key id')

const SCOPES = 20

export const newApiKeySchema = z.strictObject({
  name: nameSchema,
  role: z.enum(['admin', 'read']),
  operations: z.array(z.string().max(64)).min(1).max(100).optional(),
  networks: z.array(networkIdSchema).min(1).max(SCOPES).optional(),
  collections: z.array(collectionNameSchema).min(1).max(SCOPES).optional(),
  /** Epoch milliseconds. */
  expiresAt: z.int().min(0).optional(),
})

/** The limits of a key. Absent: no limit of this kind. */
export type Scope = Pick<ApiKey, 'role' | 'operations' | 'networks' | 'collections' | 'expiresAt'>

const LIMITED_BY = ['operations', 'networks', 'collections', 'expiresAt'] as const

/** True if the key may do everything, always. */
export const isWhole = (scope: Scope): boolean =>
  scope.role === 'admin' && LIMITED_BY.every((limit) => scope[limit] === undefined)

/** True if `scope` allows no more than `own`: a key makes, and learns the secret of, no mightier key. */
export function isWithin(own: Scope, scope: Scope): boolean {
  const lists = ['operations', 'networks', 'collections'] as const
  const isPart = (limit: (typeof lists)[number]) => {
    const mine: readonly string[] | undefined = own[limit]
    return mine === undefined || scope[limit]?.every((each) => mine.includes(each)) === true
  }
  const ends = own.expiresAt === undefined || (scope.expiresAt ?? Infinity) <= own.expiresAt
  return (own.role === 'admin' || scope.role === 'read') && lists.every(isPart) && ends
}

export const keyIdOf = (random: Uint8Array): string => toBase32(random.subarray(0, KEY_BYTES))
export const keySecretOf = (random: Uint8Array): string => toBase32(random.subarray(0, SECRET_BYTES))

export function formatApiKey(key: string, secret: string): string {
  return `sw_${key}_${secret}`
}

export function parseApiKey(text: string): { readonly key: string; readonly secret: string } | undefined {
  const [, key, secret] = /^sw_([a-z0-9]{1,32})_([a-z2-7]{52})$/.exec(text) ?? []
  return key === undefined || secret === undefined ? undefined : { key, secret }
}
