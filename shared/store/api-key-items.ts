/** The items of the table of API keys. Only hashes of secrets are stored. */
import { createHash } from 'node:crypto'
import type { ApiKey } from '../model/api-key.ts'

export type ApiKeyItem = Omit<ApiKey, 'lastUsedAt'> & {
  readonly secretHash: string
  /** Hash of the secret before, which is accepted until `retiresAt`. */
  readonly retiringHash?: string
  readonly retiresAt?: number
}

/** The remains of a deleted key, so that no request that is sent again brings its secret back. */
export interface DeletedItem {
  readonly key: string
  readonly deletedAt: number
}

/** Time at which a key was last used. An item of its own, because every write of the key's requests depends on the key's item. */
export interface UsedItem {
  readonly key: `${string}~used`
  readonly usedAt: number
}

export type StoredItem = ApiKeyItem | DeletedItem | UsedItem

export const isThere = (item: StoredItem | undefined): item is ApiKeyItem =>
  item !== undefined && 'createdAt' in item

/** The hashes of the secrets that are accepted: two, also if there is one or none, so that each check takes as long. */
export function hashesOf(item: ApiKeyItem | undefined, now: number): readonly [string, string] {
  const none = hashOf('')
  const { secretHash = none, retiringHash = none, retiresAt = 0 } = item ?? {}
  return [secretHash, now < retiresAt ? retiringHash : none]
}

/** A plain hash is enough, because a secret has 256 random bits. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

export function toApiKey({ secretHash: _, retiringHash: __, retiresAt: ___, ...apiKey }: ApiKeyItem): ApiKey {
  return apiKey
}
