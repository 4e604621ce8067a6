/** Users, with the networks that they are in (maintained with memberships.ts). */
import { createHash, randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { DeleteCommand, type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import type { NetworkId, UserId } from '../ids.ts'
import { ID_BYTES, userIdOf } from '../model/identifiers.ts'
import type { JsonObject } from '../model/json.ts'
import type { User } from '../model/user.ts'
import type { RandomBytes } from '../random-bytes.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import { type Edit, editEntity } from './edits.ts'
import { getMany } from './pages.ts'
import { CHANGED, DELETED, OUTDATED, type Step, transact } from './transact.ts'

export interface NewUser {
  readonly name: string
  readonly attributes?: JsonObject | undefined
  readonly subject?: string | undefined
}

/**
 * The item of a user. It has sets instead of lists, because DynamoDB can add to a set and count it in place. An empty
 * set is absent: DynamoDB has none.
 */
export interface UserItem extends Omit<User, 'networks' | 'blocks'> {
  readonly networks?: ReadonlySet<NetworkId>
  /** Version and number of the user's blocks (maintained by blocks.ts). */
  readonly blocks?: number
  readonly blockCount?: number
  /** The user's memberships and peers are being removed. To everybody else the user is gone. */
  readonly deletingAt?: number
  /**
   * The user is gone. If it had a subject, the item stays without its contents, so that a sign-in does not bring the
   * user back.
   */
  readonly erasedAt?: number
}

const NO_USER = () => new StraightwayError('not-found', 'There is no such user')

/** A new user. The id of one from an identity provider is derived from its subject, so that it is never made twice. */
export function newUser(
  { name, attributes = {}, subject }: NewUser,
  now: number,
  random: RandomBytes = randomBytes,
): User {
  const bytes = subject === undefined ? random(ID_BYTES) : createHash('sha256').update(subject).digest()
  const made = { createdAt: now, updatedAt: now, version: 1 }
  const user = { user: userIdOf(bytes), name, attributes, networks: [], blocks: 0, ...made }
  return subject === undefined ? user : { ...user, subject }
}

export type Users = ReturnType<typeof createUsers>

export function createUsers(client: DynamoDBDocumentClient) {
  /**
   * Makes a user, also for a subject whose user was deleted: this is how the team lets it come back. If an identical
   * user exists, the answer to an earlier attempt was lost, and that user is returned. Errors: `conflict` if the
   * subject has a different user.
   */
  async function create(input: NewUser, now: number, random?: RandomBytes): Promise<User> {
    const user = newUser(input, now, random)
    const Put = {
      TableName: tableName('Users'),
      Item: itemOfUser(user),
      ConditionExpression: `${IS_NEW} OR attribute_exists(erasedAt)`,
    }
    const taken = new StraightwayError('conflict', `The subject has a user already: ${user.user}`)
    const refused = user.subject === undefined ? DELETED : taken
    try {
      await transact(client, [{ refused, write: { Put } }], { subject: user.user, after: user })
      return user
    } catch (error) {
      const known = error === refused ? await get(user.user) : undefined
      if (known === undefined) throw error
      const same = known.name === user.name && isDeepStrictEqual(known.attributes, user.attributes)
      if (user.subject !== undefined && !same) throw error
      return known
    }
  }

  /**
   * The user for the subject of an identity provider; made when the subject is first seen. Errors: `forbidden` if it
   * was deleted.
   */
  async function ofSubject(input: NewUser & { readonly subject: string }, now: number): Promise<User> {
    const user = newUser(input, now)
    const Put = { TableName: tableName('Users'), Item: itemOfUser(user), ConditionExpression: IS_NEW }
    const told = { subject: user.user, by: user.user, after: user }
    try {
      await transact(client, [{ refused: CHANGED, write: { Put } }], told)
      return user
    } catch (error) {
      if (error !== CHANGED) throw error
    }
    const known = await get(user.user)
    if (known === undefined)
      throw new StraightwayError('forbidden', 'This account was deleted: ask the team to make it again')
    return known
  }

  async function get(user: UserId): Promise<User | undefined> {
    const item = await getItem(user)
    return item === undefined || item.deletingAt !== undefined ? undefined : toUser(item)
  }

  /** The user. Errors: `not-found`. */
  async function require(user: UserId): Promise<User> {
    return toUser(await requireItem(user))
  }

  /** The item of a user. Errors: `not-found`, also for a user that is being deleted or was erased. */
  async function requireItem(user: UserId): Promise<UserItem> {
    const item = await getItem(user)
    if (item === undefined || item.deletingAt !== undefined) throw NO_USER()
    return item
  }

  async function getUsers(users: readonly UserId[]): Promise<readonly User[]> {
    const keys = [...new Set(users)].map((user) => ({ user }))
    const items = await getMany<UserItem>(client, 'Users', keys)
    return items.filter(({ deletingAt }) => deletingAt === undefined).map(toUser)
  }

  function update(user: UserId, edit: Edit): Promise<User> {
    return editEntity(client, 'Users', { user }, () => get(user), edit)
  }

  /** The item of a user, even if it is being deleted or was erased. */
  async function getItem(user: UserId): Promise<UserItem | undefined> {
    const get = new GetCommand({ TableName: tableName('Users'), Key: { user }, ConsistentRead: true })
    return (await client.send(get)).Item as UserItem | undefined
  }

  /**
   * The last step of a user's deletion. If the user had a subject, an item remains that says that it was deleted.
   * Idempotent.
   */
  async function erase({ user, subject, createdAt, deletingAt }: UserItem, now: number): Promise<void> {
    const TableName = tableName('Users')
    if (subject === undefined) {
      await client.send(new DeleteCommand({ TableName, Key: { user } }))
      return
    }
    const rest = { name: '', attributes: {}, updatedAt: now, version: 0 }
    const Item = { user, createdAt, deletingAt, erasedAt: now, ...rest }
    const put = new PutCommand({ TableName, Item, ConditionExpression: 'attribute_exists(deletingAt)' })
    await unlessRefused(client.send(put))
  }

  return { create, ofSubject, get, require, requireItem, getMany: getUsers, update, getItem, erase }
}

export const IS_NEW = 'attribute_not_exists(createdAt)'

/** Condition: the user or network exists and is not being deleted. */
export const IS_THERE = 'attribute_exists(createdAt) AND attribute_not_exists(deletingAt)'

/** Marks the user as being deleted: from then on it is gone for everybody. What belongs to it is removed next. */
export function startsDeletingUser({ user, version }: User, now: number): Step {
  return {
    refused: OUTDATED,
    write: {
      Update: {
        TableName: tableName('Users'),
        Key: { user },
        ConditionExpression: `#version = :version AND ${IS_THERE}`,
        UpdateExpression: 'SET deletingAt = :now',
        ExpressionAttributeNames: { '#version': 'version' },
        ExpressionAttributeValues: { ':now': now, ':version': version },
      },
    },
  }
}

export function itemOfUser({ networks, ...user }: User): UserItem {
  return { ...user, ...(networks.length > 0 && { networks: new Set(networks) }) }
}

export function toUser(item: UserItem): User {
  const { deletingAt: _, erasedAt: __, blockCount: ___, networks, blocks = 0, ...user } = item
  return { ...user, networks: [...(networks ?? [])].sort(), blocks }
}
