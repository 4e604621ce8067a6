/** Invites, stored by the hash of their code. The code itself is known only to those it was given to. */
import { createHash, randomBytes } from 'node:crypto'
import { DeleteCommand, type DynamoDBDocumentClient, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import { type NetworkId, toBase32, type UserId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import {
  CODE_BYTES,
  type Invite,
  inviteCodeOf,
  inviteIdSchema,
  normalizeInviteCode,
} from '../model/invite.ts'
import type { Maker, Role } from '../model/membership.ts'
import type { Ground } from '../model/permission.ts'
import type { RandomBytes } from '../random-bytes.ts'
import { tableName } from './client.ts'
import { groundSteps } from './grounds.ts'
import { networkIsThere } from './membership-steps.ts'
import { decodeCursor, eachPage, encodeCursor, forEach, type Page, type PageRequest } from './pages.ts'
import { CHANGED, DELETED, OUTDATED, transact } from './transact.ts'

export interface NewInvite {
  readonly network: NetworkId
  /** Without a role the invite only enrols further peers of `user`. */
  readonly role?: Role | undefined
  readonly user?: UserId | undefined
  /** Default: 1. */
  readonly uses?: number | undefined
  /** Default: LIMITS.inviteMs. */
  readonly validMs?: number | undefined
  readonly by?: Maker | undefined
}

type InviteItem = Invite & { readonly expiresAtSeconds: number }

/** The remains of a deleted invite, kept for KEPT_SECONDS so that no request that is sent again brings its code back. */
interface DeletedItem {
  readonly invite: string
  readonly deletedAt: number
  readonly expiresAtSeconds: number
}

const KEPT_SECONDS = 30 * 24 * 3600

export type Invites = ReturnType<typeof createInvites>

export function createInvites(client: DynamoDBDocumentClient) {
  /**
   * Makes an invite. `code` is returned this one time and never again. Errors: `not-found` without the network;
   * OUTDATED if the grounds no longer hold.
   */
  async function create(
    { uses = 1, validMs = LIMITS.inviteMs, ...given }: NewInvite,
    now: number,
    grounds: readonly Ground[] = [],
    random: RandomBytes = randomBytes,
  ): Promise<{ readonly invite: Invite; readonly code: string }> {
    const code = inviteCodeOf(random(CODE_BYTES))
    const { network, role, user, by } = given
    const expiresAt = now + validMs
    const kept = {
      network,
      uses,
      used: 0,
      createdAt: now,
      expiresAt,
      ...(role && { role }),
      ...(user && { user }),
      ...(by && { by }),
    }
    const invite: Invite = { invite: idOf(code), prefix: code.slice(0, 4), ...kept }
    const Item: InviteItem = { ...invite, expiresAtSeconds: Math.ceil(expiresAt / 1000) }
    const Put = {
      TableName: tableName('Invites'),
      Item,
      ConditionExpression: 'attribute_not_exists(invite)',
    }
    try {
      const conditions = grounds.length > 0 ? groundSteps(grounds) : [networkIsThere(network)]
      const told = { subject: network, about: invite.invite, after: invite }
      await transact(client, [{ refused: CHANGED, write: { Put } }, ...conditions], told)
      return { invite, code }
    } catch (error) {
      // The same code comes from the same request, sent again with its `Idempotency-Key`.
      if (error !== CHANGED) throw error
      const known = await get(invite.invite)
      if (known === undefined) throw DELETED
      return { invite: known, code }
    }
  }

  async function get(invite: string): Promise<Invite | undefined> {
    const get = new GetCommand({ TableName: tableName('Invites'), Key: { invite }, ConsistentRead: true })
    const item = (await client.send(get)).Item as InviteItem | DeletedItem | undefined
    return item === undefined || 'deletedAt' in item ? undefined : toInvite(item)
  }

  /** The invite for a code that a user typed. Errors: `not-found`. */
  async function requireByCode(typed: string): Promise<Invite> {
    const code = normalizeInviteCode(typed)
    const invite = code === undefined ? undefined : await get(idOf(code))
    if (invite === undefined)
      throw new StraightwayError('not-found', 'There is no such invite: check the code')
    return invite
  }

  async function list(network: NetworkId, { limit, cursor }: PageRequest): Promise<Page<Invite>> {
    const from =
      cursor === undefined
        ? {}
        : { ExclusiveStartKey: { network, invite: decodeCursor(cursor, inviteIdSchema) } }
    const reply = await client.send(new QueryCommand({ ...ofNetwork(network), Limit: limit, ...from }))
    const items = ((reply.Items ?? []) as InviteItem[]).map(toInvite)
    const last = reply.LastEvaluatedKey
    return last === undefined ? { items } : { items, cursor: encodeCursor(last.invite as string) }
  }

  /** Deletes an invite. Errors: OUTDATED if it is gone or a ground no longer holds. */
  async function deleteInvite(before: Invite, now: number, grounds: readonly Ground[] = []): Promise<void> {
    const { invite, network } = before
    const Item: DeletedItem = {
      ...{ invite, deletedAt: now },
      expiresAtSeconds: Math.ceil(now / 1000) + KEPT_SECONDS,
    }
    const Put = {
      TableName: tableName('Invites'),
      Item,
      ConditionExpression: 'attribute_exists(createdAt)',
    }
    const told = { subject: network, about: invite, before }
    await transact(client, [{ refused: OUTDATED, write: { Put } }, ...groundSteps(grounds)], told)
  }

  async function deleteOf(network: NetworkId): Promise<void> {
    for await (const page of eachPage<InviteItem>(client, ofNetwork(network))) {
      await forEach(page, ({ invite }) =>
        client.send(new DeleteCommand({ TableName: tableName('Invites'), Key: { invite } })),
      )
    }
  }

  return { create, get, requireByCode, list, delete: deleteInvite, deleteOf }
}

function ofNetwork(network: NetworkId) {
  return {
    TableName: tableName('Invites'),
    IndexName: 'byNetwork',
    KeyConditionExpression: 'network = :network',
    ExpressionAttributeValues: { ':network': network },
  }
}

/** The id of an invite: 130 bits of the SHA-256 of its code, which has 80 bits. */
function idOf(code: string): string {
  return toBase32(createHash('sha256').update(code).digest()).slice(0, 26)
}

function toInvite({ expiresAtSeconds: _, ...invite }: InviteItem): Invite {
  return invite
}
