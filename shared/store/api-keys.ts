/** API keys. Only a hash of each secret is stored. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateScan,
  ScanCommand,
} from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import {
  type ApiKey,
  apiKeyIdSchema,
  formatApiKey,
  KEY_BYTES,
  keyIdOf,
  keySecretOf,
  parseApiKey,
  SECRET_BYTES,
} from '../model/api-key.ts'
import type { RandomBytes } from '../random-bytes.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import { decodeCursor, encodeCursor, type Page, type PageRequest } from './pages.ts'
import { CHANGED, DELETED, retrying, type Step, transact } from './transact.ts'

export interface NewApiKey {
  readonly name: string
  readonly role: ApiKey['role']
}

/** A new key. `token` (`sw_...`) is what a client presents; it is returned this one time and never again. */
export interface MadeApiKey {
  readonly apiKey: ApiKey
  readonly token: string
}

type ApiKeyItem = ApiKey & { readonly secretHash: string }

/** What remains of a deleted key, so that no request that is sent again brings its secret back. */
interface DeletedItem {
  readonly key: string
  readonly deletedAt: number
}

type StoredItem = ApiKeyItem | DeletedItem

const isThere = (item: StoredItem | undefined): item is ApiKeyItem =>
  item !== undefined && !('deletedAt' in item)

const NEVER_THERE = {
  ConditionExpression: 'attribute_not_exists(#key)',
  ExpressionAttributeNames: { '#key': 'key' },
}

/** The id of the first key of a system. Because the id is fixed, concurrent first starts make only one. */
const FIRST = 'first'

export type ApiKeys = ReturnType<typeof createApiKeys>

export function createApiKeys(client: DynamoDBDocumentClient) {
  async function create(
    input: NewApiKey,
    now: number,
    random: RandomBytes = randomBytes,
  ): Promise<MadeApiKey> {
    const made = makeKey(keyIdOf(random(KEY_BYTES)), input, now, random)
    const Put = { TableName: tableName('ApiKeys'), Item: made.item, ...NEVER_THERE }
    try {
      const told = { subject: `key:${made.apiKey.key}`, after: made.apiKey }
      await transact(client, [{ refused: CHANGED, write: { Put } }], told)
      return made
    } catch (error) {
      // The same id and secret come from the same request, sent again with its `Idempotency-Key`.
      if (error !== CHANGED) throw error
      const known = await get(made.apiKey.key)
      if (known === undefined) throw DELETED
      return { apiKey: known, token: made.token }
    }
  }

  /**
   * Makes the admin key of a new system. Undefined if the system has an admin key: the last one is never deleted, so
   * one exists if there ever was any.
   */
  async function createFirst(now: number): Promise<MadeApiKey | undefined> {
    if ((await adminKeyBut(undefined)) !== undefined) return undefined
    const made = makeKey(FIRST, { name: 'first', role: 'admin' }, now)
    const put = new PutCommand({ TableName: tableName('ApiKeys'), Item: made.item, ...NEVER_THERE })
    return (await unlessRefused(client.send(put))) && made
  }

  /**
   * The key that a token belongs to. Undefined if the token is invalid. A wrong secret and an unknown key take the same
   * path, so that timing does not tell them apart.
   */
  async function authenticate(token: string): Promise<ApiKey | undefined> {
    const parsed = parseApiKey(token)
    if (parsed === undefined) return undefined
    const get = new GetCommand({
      TableName: tableName('ApiKeys'),
      Key: { key: parsed.key },
      ConsistentRead: true,
    })
    const item = (await client.send(get)).Item as StoredItem | undefined
    const expected = Buffer.from(isThere(item) ? item.secretHash : hashOf(''), 'hex')
    const same = timingSafeEqual(Buffer.from(hashOf(parsed.secret), 'hex'), expected)
    return isThere(item) && same ? toApiKey(item) : undefined
  }

  async function list({ limit, cursor }: PageRequest): Promise<Page<ApiKey>> {
    const from =
      cursor === undefined ? {} : { ExclusiveStartKey: { key: decodeCursor(cursor, apiKeyIdSchema) } }
    const reply = await client.send(
      new ScanCommand({ TableName: tableName('ApiKeys'), Limit: limit, ...from }),
    )
    const items = ((reply.Items ?? []) as StoredItem[]).filter(isThere).map(toApiKey)
    const last = reply.LastEvaluatedKey
    return last === undefined ? { items } : { items, cursor: encodeCursor(last.key as string) }
  }

  async function get(key: string): Promise<ApiKey | undefined> {
    const get = new GetCommand({ TableName: tableName('ApiKeys'), Key: { key }, ConsistentRead: true })
    const item = (await client.send(get)).Item as StoredItem | undefined
    return isThere(item) ? toApiKey(item) : undefined
  }

  /** Deletes a key. Errors: `not-found`; `conflict` for the last admin key, without which nobody could make another. */
  function deleteApiKey(key: string, now: number): Promise<void> {
    return retrying(async () => {
      const removed = await get(key)
      if (removed === undefined) throw new StraightwayError('not-found', 'There is no such API key')
      const Item: DeletedItem = { key, deletedAt: now }
      const Put = {
        TableName: tableName('ApiKeys'),
        Item,
        ConditionExpression: 'attribute_exists(createdAt)',
      }
      const other = removed.role === 'admin' ? await adminKeyBut(key) : undefined
      if (removed.role === 'admin' && other === undefined) throw LAST_ADMIN_KEY
      const stays = other === undefined ? [] : [isAdminKey(other)]
      const told = { subject: `key:${key}`, before: removed }
      await transact(client, [{ refused: CHANGED, write: { Put } }, ...stays], told)
    })
  }

  /** The id of an admin key other than this one; undefined if there is none. */
  async function adminKeyBut(key: string | undefined): Promise<string | undefined> {
    const scan = { TableName: tableName('ApiKeys'), ConsistentRead: true }
    for await (const { Items = [] } of paginateScan({ client }, scan)) {
      const there = (Items as StoredItem[]).filter(isThere)
      const other = there.find((item) => item.role === 'admin' && item.key !== key)
      if (other !== undefined) return other.key
    }
    return undefined
  }

  return { create, createFirst, authenticate, list, get, delete: deleteApiKey }
}

const LAST_ADMIN_KEY = new StraightwayError('conflict', 'This is the last admin key: make another one first')

/** A condition: the key exists and is an admin key. Refused with CHANGED. */
export function isAdminKey(key: string): Step {
  return {
    refused: CHANGED,
    write: {
      ConditionCheck: {
        TableName: tableName('ApiKeys'),
        Key: { key },
        ConditionExpression: '#role = :admin',
        ExpressionAttributeNames: { '#role': 'role' },
        ExpressionAttributeValues: { ':admin': 'admin' },
      },
    },
  }
}

function makeKey(
  key: string,
  { name, role }: NewApiKey,
  now: number,
  random: RandomBytes = randomBytes,
): MadeApiKey & { readonly item: ApiKeyItem } {
  const secret = keySecretOf(random(SECRET_BYTES))
  const apiKey: ApiKey = { key, name, role, createdAt: now }
  return { apiKey, token: formatApiKey(key, secret), item: { ...apiKey, secretHash: hashOf(secret) } }
}

/** A plain hash is enough, because a secret has 256 random bits. */
function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

function toApiKey({ key, name, role, createdAt }: ApiKeyItem): ApiKey {
  return { key, name, role, createdAt }
}
