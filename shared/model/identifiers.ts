/** Makes ids from random bytes of the caller, and schemas that validate ids in requests. */
import { z } from 'zod'
import { isPeerId, type NetworkId, type PeerId, toBase32, type UserId } from '../ids.ts'

/** Bytes of a user's or network's id: 80 bits, 16 characters of base32. */
export const ID_BYTES = 10

export const userIdOf = (random: Uint8Array): UserId =>
  `u_${toBase32(random.subarray(0, ID_BYTES))}` as UserId
export const networkIdOf = (random: Uint8Array): NetworkId =>
  `n_${toBase32(random.subarray(0, ID_BYTES))}` as NetworkId

const BASE32_16 = '[a-z2-7]{16}'

export const userIdSchema = z
  .string()
  .regex(new RegExp(`^u_${BASE32_16}$`), 'is no user id') as unknown as z.ZodType<UserId>
export const networkIdSchema = z
  .string()
  .regex(new RegExp(`^n_${BASE32_16}$`), 'is no network id') as unknown as z.ZodType<NetworkId>
export const peerIdSchema = z
  .string()
  .regex(/^[a-z2-7]{52}$/, 'is no peer id')
  .refine(isPeerId, 'is no peer id') as unknown as z.ZodType<PeerId>
