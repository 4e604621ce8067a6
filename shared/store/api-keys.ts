/** API keys. Only a hash of each secret is stored. */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateScan,
  ScanCommand,
} from '@aws-sdk/lib-dynamodb'
import { z } from 'zod'
import { StraightwayError } from '../errors.ts'
import {
  type ApiKey,
  apiKeyIdSchema,
  formatApiKey,
  isWhole,
  KEY_BYTES,
  keyIdOf,
  keySecretOf,
  parseApiKey,
  type Scope,
  SECRET_BYTES,
} from '../model/api-key.ts'
import type { RandomBytes } from '../random-bytes.ts'
import {
  type ApiKeyItem,
  type DeletedItem,
  hashesOf,
  hashOf,
  isThere,
  type StoredItem,
  toApiKey,
} from './api-key-items.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import { noteUse, withUse } from './key-uses.ts'
import { decodeCursor, encodeCursor, type Page, type PageRequest } from './pages.ts'
import { CHANGED, DELETED, retrying, type Step, transact } from './transact.ts'

export type NewApiKey = Pick<ApiKey, 'name'> & {
  readonly [Limit in keyof Scope]?: Scope[Limit] | undefined
} & Pick<Scope, 'role'>

/** A new key. `token` (`sw_...`) is what a client presents; it is returned this one time and never again. */
export interface MadeApiKey {
  readonly apiKey: ApiKey
  readonly token: string
}

const NEVER_THERE = {
  ConditionExpression: 'attribute_not_exists(#key)',
  ExpressionAttributeNames: { '#key': 'key' },
}

/** A page may end at an item of a key's last use. */
const cursorSchema = apiKeyIdSchema.or(z.templateLiteral([z.string().regex(/^[a-z0-9]{1,32}$/), '~used']))

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
  async function authenticate(token: string, now: number): Promise<ApiKey | undefined> {
    const parsed = parseApiKey(token)
    if (parsed === undefined) return undefined
    const get = new GetCommand({
      TableName: tableName('ApiKeys'),
      Key: { key: parsed.key },
      ConsistentRead: true,
    })
    const item = (await client.send(get)).Item as StoredItem | undefined
    const given = Buffer.from(hashOf(parsed.secret), 'hex')
    const [is, was] = hashesOf(isThere(item) ? item : undefined, now).map((hash) =>
      timingSafeEqual(given, Buffer.from(hash, 'hex')),
    )
    if (!isThere(item) || !(is || was) || now >= (item.expiresAt ?? Infinity)) return undefined
    await noteUse(client, parsed.key, now)
    return toApiKey(item)
  }

  async function list({ limit, cursor }: PageRequest): Promise<Page<ApiKey>> {
    const from =
      cursor === undefined ? {} : { ExclusiveStartKey: { key: decodeCursor(cursor, cursorSchema) } }
    const reply = await client.send(
      new ScanCommand({ TableName: tableName('ApiKeys'), Limit: limit, ...from }),
    )
    const items = await withUse(client, ((reply.Items ?? []) as StoredItem[]).filter(isThere).map(toApiKey))
    const last = reply.LastEvaluatedKey
    return last === undefined ? { items } : { items, cursor: encodeCursor(last.key as string) }
  }

  async function getItem(key: string): Promise<ApiKeyItem | undefined> {
    const get = new GetCommand({ TableName: tableName('ApiKeys'), Key: { key }, ConsistentRead: true })
    const item = (await client.send(get)).Item as StoredItem | undefined
    return isThere(item) ? item : undefined
  }

  async function get(key: string): Promise<ApiKey | undefined> {
    const item = await getItem(key)
    return item && toApiKey(item)
  }

  /**
   * Makes a new secret for a key. The one before is accepted for `graceMs` more. A repeated request gets the same secret.
   * Errors: `not-found`; `conflict` for a secret that was replaced meanwhile.
   */
  function rotate(
    key: string,
    { now, graceMs, random = randomBytes }: { now: number; graceMs: number; random?: RandomBytes },
  ): Promise<MadeApiKey> {
    const secret = keySecretOf(random(SECRET_BYTES))
    const [secretHash, token] = [hashOf(secret), formatApiKey(key, secret)]
    return retrying(async () => {
      const current = await getItem(key)
      if (current === undefined) throw NO_KEY()
      if (current.secretHash === secretHash) return { apiKey: toApiKey(current), token }
      if (current.retiringHash === secretHash) throw DELETED
      const { secretHash: retiringHash } = current
      const next = { ...current, secretHash, retiringHash, rotatedAt: now, retiresAt: now + graceMs }
      const Put = {
        TableName: tableName('ApiKeys'),
        Item: next,
        ConditionExpression: 'secretHash = :known',
        ExpressionAttributeValues: { ':known': retiringHash },
      }
      const [before, after] = [toApiKey(current), toApiKey(next)]
      const told = { subject: `key:${key}`, before, after }
      await transact(client, [{ refused: CHANGED, write: { Put } }], told)
      return { apiKey: after, token }
    })
  }

  /** Deletes a key. Errors: `not-found`; `conflict` for the last admin key, without which nobody could make another. */
  function deleteApiKey(key: string, now: number): Promise<void> {
    return retrying(async () => {
      const removed = await get(key)
      if (removed === undefined) throw NO_KEY()
      const Item: DeletedItem = { key, deletedAt: now }
      const Put = {
        TableName: tableName('ApiKeys'),
        Item,
        ConditionExpression: 'attribute_exists(createdAt)',
      }
      const other = isWhole(removed) ? await adminKeyBut(key) : undefined
      if (isWhole(removed) && other === undefined) throw LAST_ADMIN_KEY
      const stays = other === undefined ? [] : [isWholeKey(other)]
      const told = { subject: `key:${key}`, before: removed }
      await transact(client, [{ refused: CHANGED, write: { Put } }, ...stays], told)
    })
  }

  /** The id of an admin key without limits other than this one; undefined if there is none. */
  async function adminKeyBut(key: string | undefined): Promise<string | undefined> {
    const scan = { TableName: tableName('ApiKeys'), ConsistentRead: true }
    for await (const { Items = [] } of paginateScan({ client }, scan)) {
      const there = (Items as StoredItem[]).filter(isThere)
      const other = there.find((item) => isWhole(item) && item.key !== key)
      if (other !== undefined) return other.key
    }
    return undefined
  }

  async function getWithUse(key: string): Promise<ApiKey | undefined> {
    const found = await get(key)
    return found && (await withUse(client, [found]))[0]
  }

  return { create, createFirst, authenticate, list, get, getWithUse, rotate, delete: deleteApiKey }
}

const NO_KEY = () => new StraightwayError('not-found', 'There is no such API key')

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

/** A condition: the key exists, and nothing limits it. Refused with CHANGED. */
function isWholeKey(key: string): Step {
  const { refused, write } = isAdminKey(key)
  const check = write.ConditionCheck!
  const unlimited = ['operations', 'networks', 'collections', 'expiresAt'].map(
    (limit) => `attribute_not_exists(${limit})`,
  )
  const ConditionExpression = [check.ConditionExpression, ...unlimited].join(' AND ')
  return { refused, write: { ConditionCheck: { ...check, ConditionExpression } } }
}

function makeKey(
  key: string,
  given: NewApiKey,
  now: number,
  random: RandomBytes = randomBytes,
): MadeApiKey & { readonly item: ApiKeyItem } {
  const secret = keySecretOf(random(SECRET_BYTES))
  const limits = Object.entries(given).filter(([, limit]) => limit !== undefined)
  const apiKey = { key, ...Object.fromEntries(limits), createdAt: now } as ApiKey
  return { apiKey, token: formatApiKey(key, secret), item: { ...apiKey, secretHash: hashOf(secret) } }
}
