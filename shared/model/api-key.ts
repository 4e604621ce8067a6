/**
 * An API key authenticates a team's own servers and people; it can see every network. It is shown once, as
 * `sw_<key>_<secret>`. Only a hash of the secret is stored.
 */
import { z } from 'zod'
import { toBase32 } from '../ids.ts'
import type { ApiKeyRecord } from '../resources.ts'
import { nameSchema } from './user.ts'

export type ApiKey = ApiKeyRecord

export const KEY_BYTES = 10
export const SECRET_BYTES = 32

export const apiKeyIdSchema = z.string().regex(/^[a-z0-9]{1,32}$/, 'is no API key id')

export const newApiKeySchema = z.strictObject({ name: nameSchema, role: z.enum(['admin', 'read']) })

export const keyIdOf = (random: Uint8Array): string => toBase32(random.subarray(0, KEY_BYTES))
export const keySecretOf = (random: Uint8Array): string => toBase32(random.subarray(0, SECRET_BYTES))

export function formatApiKey(key: string, secret: string): string {
  return `sw_${key}_${secret}`
}

export function parseApiKey(text: string): { readonly key: string; readonly secret: string } | undefined {
  const [, key, secret] = /^sw_([a-z0-9]{1,32})_([a-z2-7]{52})$/.exec(text) ?? []
  return key === undefined || secret === undefined ? undefined : { key, secret }
}
