/** Webhooks. A secret signs, so it is stored itself; the tables are encrypted at rest. It is told once. */
import { randomBytes } from 'node:crypto'
import { type DynamoDBDocumentClient, GetCommand, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import { toBase32 } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import type { Maker } from '../model/membership.ts'
import { expectVersion, type Precondition } from '../model/precondition.ts'
import { patched } from '../model/validate.ts'
import { editableWebhookSchema, WEBHOOK_BYTES, WEBHOOK_SECRET_BYTES, type Webhook } from '../model/webhook.ts'
import type { RandomBytes } from '../random-bytes.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import { CHANGED, DELETED, OUTDATED, retrying, transact } from './transact.ts'

export type NewWebhook = Pick<Webhook, 'name' | 'url' | 'events'> & {
  readonly network?: Webhook['network'] | undefined
  readonly collection?: string | undefined
  readonly by?: Maker | undefined
}

/** `retiring` signs beside `secret` until `retiresAt`, so that a receiver can change over. */
export interface WebhookItem extends Webhook {
  readonly secret: string
  readonly retiring?: string
  readonly retiresAt?: number
}

/** The remains of a deleted webhook, so that no request that is sent again brings its secret back. */
type StoredItem = WebhookItem | { readonly webhook: string; readonly deletedAt: number }

const isThere = (item: StoredItem | undefined): item is WebhookItem =>
  item !== undefined && !('deletedAt' in item)

/** How long the secret before still signs after a rotation. */
const RETIRING_MS = 24 * 3600_000

const NO_WEBHOOK = () => new StraightwayError('not-found', 'There is no such webhook')

const newSecret = (random: RandomBytes): string =>
  `whsec_${Buffer.from(random(WEBHOOK_SECRET_BYTES)).toString('base64')}`

export type Webhooks = ReturnType<typeof createWebhooks>

export function createWebhooks(client: DynamoDBDocumentClient) {
  const TableName = tableName('Webhooks')

  async function getItem(webhook: string): Promise<WebhookItem | undefined> {
    const get = new GetCommand({ TableName, Key: { webhook }, ConsistentRead: true })
    const item = (await client.send(get)).Item as StoredItem | undefined
    return isThere(item) ? item : undefined
  }

  async function require(webhook: string): Promise<WebhookItem> {
    const item = await getItem(webhook)
    if (item === undefined) throw NO_WEBHOOK()
    return item
  }

  /** Every webhook with its secrets: there are at most LIMITS.webhooks. Those being deleted are left out. */
  async function all(): Promise<readonly WebhookItem[]> {
    const { Items = [] } = await client.send(new ScanCommand({ TableName, ConsistentRead: true }))
    return (Items as StoredItem[]).filter(isThere)
  }

  /** Makes a webhook. `secret` is told this one time. Errors: `too-large` if there are as many as there may be. */
  async function create(input: NewWebhook, now: number, random: RandomBytes = randomBytes) {
    const { network, collection, by, ...given } = input
    const webhook = `w_${toBase32(random(WEBHOOK_BYTES))}`
    const secret = newSecret(random)
    const limits = { ...(network && { network }), ...(collection && { collection }), ...(by && { by }) }
    const kept = { active: true, createdAt: now, updatedAt: now, version: 1 }
    const made: Webhook = { webhook, ...given, ...limits, ...kept }
    const known = await getItem(webhook)
    if (known !== undefined) return { webhook: toWebhook(known), secret }
    if ((await all()).length >= LIMITS.webhooks) throw TOO_MANY
    const Item: WebhookItem = { ...made, secret }
    const Put = { TableName, Item, ConditionExpression: 'attribute_not_exists(webhook)' }
    const told = { subject: `webhook:${webhook}`, after: made }
    await transact(client, [{ refused: DELETED, write: { Put } }], told)
    return { webhook: made, secret }
  }

  /** Replaces the item, if it is unchanged. */
  async function write(before: WebhookItem, item: WebhookItem, told: { before?: object; after?: object }) {
    const Put = { TableName, Item: item, ...isAt(before.version) }
    await transact(client, [{ refused: CHANGED, write: { Put } }], {
      subject: `webhook:${item.webhook}`,
      ...told,
    })
  }

  /** Applies a merge patch. Errors: `not-found`, `precondition-failed`, `bad-request`. */
  function update(
    webhook: string,
    patch: unknown,
    precondition: Precondition,
    now: number,
  ): Promise<Webhook> {
    return retrying(async () => {
      const current = await require(webhook)
      expectVersion(current.version, precondition)
      const { name, url, events, network, collection, active, ...rest } = current
      const fields = {
        name,
        url,
        events: [...events],
        active,
        ...(network && { network }),
        ...(collection && { collection }),
      }
      const edited = patched(editableWebhookSchema, fields, patch)
      const next = { ...rest, ...edited, updatedAt: now, version: current.version + 1 } as WebhookItem
      await write(current, next, { before: toWebhook(current), after: toWebhook(next) })
      return toWebhook(next)
    })
  }

  /** Makes a new secret. The one before signs too for RETIRING_MS. A repeated request gets the same secret. */
  function rotate(webhook: string, now: number, random: RandomBytes = randomBytes) {
    const secret = newSecret(random)
    return retrying(async () => {
      const current = await require(webhook)
      if (current.secret === secret) return { webhook: toWebhook(current), secret }
      // A secret that has signed before does not come back by a request that is sent again.
      if (current.retiring === secret) throw DELETED
      const { version, secret: retiring } = current
      const kept = { updatedAt: now, version: version + 1 }
      const next = { ...current, ...kept, secret, retiring, retiresAt: now + RETIRING_MS }
      await write(current, next, { before: toWebhook(current), after: toWebhook(next) })
      return { webhook: toWebhook(next), secret }
    })
  }

  /** Errors: `not-found`; OUTDATED if it is at another version. */
  async function deleteWebhook(before: Webhook, now: number): Promise<void> {
    const { webhook, version } = before
    const Put = { TableName, Item: { webhook, deletedAt: now }, ...isAt(version) }
    await transact(client, [{ refused: OUTDATED, write: { Put } }], { subject: `webhook:${webhook}`, before })
  }

  /** Ends a webhook whose receiver answered that it is gone. */
  async function pause({ webhook, version }: Webhook, now: number): Promise<void> {
    const at = isAt(version)
    const update = new UpdateCommand({
      ...{ TableName, Key: { webhook }, ...at },
      UpdateExpression: 'SET active = :no, updatedAt = :now, #version = :next',
      ExpressionAttributeValues: {
        ...at.ExpressionAttributeValues,
        ...{ ':no': false, ':now': now, ':next': version + 1 },
      },
    })
    await unlessRefused(client.send(update))
  }

  return { getItem, require, all, create, update, rotate, delete: deleteWebhook, pause }
}

const TOO_MANY = new StraightwayError(
  'too-large',
  `There are at most ${LIMITS.webhooks} webhooks: delete one`,
)

function isAt(version: number) {
  return {
    ConditionExpression: '#version = :version',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':version': version },
  }
}

export const toWebhook = ({ secret: _, retiring: __, retiresAt: ___, ...webhook }: WebhookItem): Webhook =>
  webhook

/** The secrets that sign now. */
export const secretsOf = (
  { secret, retiring, retiresAt = 0 }: WebhookItem,
  now: number,
): readonly string[] => (retiring !== undefined && now < retiresAt ? [secret, retiring] : [secret])
