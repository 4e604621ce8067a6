/**
 * When API keys were last used, for people. It is an item of its own beside each key, because every write of a key's
 * requests depends on the key's own item.
 */
import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb'
import type { ApiKey } from '../model/api-key.ts'
import type { UsedItem } from './api-key-items.ts'
import { tableName } from './client.ts'
import { getMany } from './pages.ts'

/** How often a process notes that a key is used. */
const USED_MS = 600_000
const noted = new WeakMap<DynamoDBDocumentClient, Map<string, number>>()

/** Notes the use of a key. A request does not fail by it. */
export async function noteUse(client: DynamoDBDocumentClient, key: string, now: number): Promise<void> {
  const known = noted.get(client) ?? new Map<string, number>()
  noted.set(client, known)
  if (now - (known.get(key) ?? -Infinity) < USED_MS) return
  known.set(key, now)
  const Item: UsedItem = { key: `${key}~used`, usedAt: now }
  await client
    .send(new PutCommand({ TableName: tableName('ApiKeys'), Item }))
    .catch((error) => console.error('the use of a key was not noted:', error))
}

/** The keys with their last use. */
export async function withUse(
  client: DynamoDBDocumentClient,
  keys: readonly ApiKey[],
): Promise<readonly ApiKey[]> {
  const used = await getMany<UsedItem>(
    client,
    'ApiKeys',
    keys.map(({ key }) => ({ key: `${key}~used` })),
  )
  const at = new Map<string, number>(used.map(({ key, usedAt }) => [key, usedAt]))
  return keys.map((each) => {
    const lastUsedAt = at.get(`${each.key}~used`)
    return lastUsedAt === undefined ? each : { ...each, lastUsedAt }
  })
}
