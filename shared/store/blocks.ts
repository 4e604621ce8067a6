/**
 * Blocks: the peers and users that a user accepts nothing from, one item per block. In the same transaction as a
 * block, the user's item changes: it counts the blocks, and its version of them grows with every change. By this
 * version a node recognises whether the blocks that it has cached are current.
 */
import { type DynamoDBDocumentClient, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { z } from 'zod'
import type { Asker } from '../directory.ts'
import { StraightwayError } from '../errors.ts'
import type { PeerId, UserId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import { peerIdSchema, userIdSchema } from '../model/identifiers.ts'
import type { User } from '../model/user.ts'
import { tableName } from './client.ts'
import {
  decodeCursor,
  eachPage,
  encodeCursor,
  forEach,
  getMany,
  type Page,
  type PageRequest,
} from './pages.ts'
import { type ItemKey, Remembered } from './remembered.ts'
import { CHANGED, retrying, type Step, transact } from './transact.ts'
import { createUsers, IS_THERE, toUser, type UserItem } from './users.ts'

export type Blocked = PeerId | UserId

const blockedSchema = z.union([peerIdSchema, userIdSchema])

export interface Block {
  readonly user: UserId
  readonly blocked: Blocked
  readonly blockedAt: number
}

const TOO_MANY = new StraightwayError(
  'too-large',
  `A user blocks at most ${LIMITS.blocksPerUser} peers and users: take one back, or leave the network`,
)

export interface SeenUser {
  /** The user. Undefined if it does not exist or is being deleted. */
  readonly owner: User | undefined
  /** Time at which the user blocked the viewer, epoch milliseconds. Undefined if it does not. */
  readonly blockedAt: number | undefined
}

export type Blocks = ReturnType<typeof createBlocks>

export function createBlocks(client: DynamoDBDocumentClient) {
  const users = createUsers(client)

  /** Adds a block, unless it exists. Errors: `not-found`, `too-large`. */
  function add(user: UserId, blocked: Blocked, now: number): Promise<void> {
    return retrying(async () => {
      const [{ blockCount = 0 }, known] = await readBoth(user, blocked)
      if (known) return
      if (blockCount >= LIMITS.blocksPerUser) throw TOO_MANY
      const block = { user, blocked, blockedAt: now }
      const told = { subject: user, about: blocked, after: block }
      await transact(client, [comesToBe(block), counts(user, 1)], told)
    })
  }

  /** Removes a block if it exists. Errors: `not-found`. */
  function remove(user: UserId, blocked: Blocked): Promise<void> {
    return retrying(async () => {
      const [, known] = await readBoth(user, blocked)
      const told = { subject: user, about: blocked, before: { user, blocked } }
      if (known) await transact(client, [ceasesToBe(user, blocked), counts(user, -1)], told)
    })
  }

  /** Reads the user, and whether it blocks `blocked`. Errors: `not-found`. */
  function readBoth(user: UserId, blocked: Blocked) {
    return Promise.all([users.requireItem(user), isBlocked(user, [blocked])])
  }

  /**
   * True if the user blocks any of these: usually a peer and the user that the peer belongs to. `consistent`: as in
   * `getMany`.
   */
  async function isBlocked(user: UserId, any: readonly Blocked[], consistent = true): Promise<boolean> {
    const keys = any.map((blocked) => ({ user, blocked }))
    return (await getMany<Block>(client, 'Blocks', keys, consistent)).length > 0
  }

  /**
   * A user, and whether it blocks the viewer. Takes one read, whatever it finds. Errors: `unavailable` if the tables
   * are too busy to answer completely.
   */
  async function userSeenBy(user: UserId, viewer: Asker | undefined): Promise<SeenUser> {
    const item: ItemKey = { table: 'Users', key: { user } }
    const any = viewer === undefined || viewer.user === user ? [] : [viewer.peer, viewer.user ?? viewer.peer]
    const blocks = any.map((blocked): ItemKey => ({ table: 'Blocks', key: { user, blocked } }))
    const read = await Remembered.read(client, [item, ...blocks])
    if (![item, ...blocks].every((key) => read.has(key)))
      throw new StraightwayError('unavailable', 'The tables are busy: try again in a moment')
    const found = read.get<UserItem>(item)
    const blocking = blocks.map((key) => read.get<Block>(key)).find((block) => block !== undefined)
    return {
      owner: found === undefined || found.deletingAt !== undefined ? undefined : toUser(found),
      blockedAt: blocking?.blockedAt,
    }
  }

  /**
   * The users of `users` that block the viewer's peer, or its user if that is known, each with the time of the block.
   * If nobody blocks the viewer this costs one read per id, however many users there are. A new block is seen after
   * about a second.
   */
  async function blockersAmong(
    { peer, user }: Asker,
    users: readonly UserId[],
  ): Promise<ReadonlyMap<UserId, number>> {
    const sorted = [...new Set(users)].sort()
    const [first, last] = [sorted[0], sorted.at(-1)]
    if (first === undefined || last === undefined) return new Map()
    const any: readonly Blocked[] = user === undefined ? [peer] : [peer, user]
    const found = await Promise.all(any.map((blocked) => blocksOn(blocked, first, last)))
    const asked = new Set(sorted)
    return new Map(
      found
        .flat()
        .filter((block) => asked.has(block.user))
        .map((block) => [block.user, block.blockedAt]),
    )
  }

  /** The blocks against `blocked` by users whose ids are from `first` to `last`. */
  async function blocksOn(blocked: Blocked, first: UserId, last: UserId): Promise<readonly Block[]> {
    const query = {
      TableName: tableName('Blocks'),
      IndexName: 'byBlocked',
      KeyConditionExpression: 'blocked = :blocked AND #user BETWEEN :first AND :last',
      ExpressionAttributeNames: { '#user': 'user' },
      ExpressionAttributeValues: { ':blocked': blocked, ':first': first, ':last': last },
    }
    const blocks: Block[] = []
    for await (const page of eachPage<Block>(client, query)) blocks.push(...page)
    return blocks
  }

  /** All blocks of a user, with their version. They are those of this version or of a later one. */
  async function allOf(
    user: UserId,
  ): Promise<{ readonly version: number; readonly blocks: readonly Blocked[] }> {
    const get = new GetCommand({ TableName: tableName('Users'), Key: { user }, ConsistentRead: true })
    const version = ((await client.send(get)).Item?.blocks as number | undefined) ?? 0
    const blocks: Blocked[] = []
    if (version > 0)
      for await (const page of eachPage<Block>(client, { ...queryOf(user), ConsistentRead: true }))
        blocks.push(...page.map(({ blocked }) => blocked))
    return { version, blocks }
  }

  async function list(user: UserId, { limit, cursor }: PageRequest): Promise<Page<Blocked>> {
    const from = cursor !== undefined && {
      ExclusiveStartKey: { user, blocked: decodeCursor(cursor, blockedSchema) },
    }
    const query = new QueryCommand({ ...queryOf(user), Limit: limit, ConsistentRead: true, ...from })
    const { Items = [], LastEvaluatedKey } = await client.send(query)
    const items = (Items as Block[]).map(({ blocked }) => blocked)
    return LastEvaluatedKey === undefined
      ? { items }
      : { items, cursor: encodeCursor(LastEvaluatedKey.blocked as string) }
  }

  /** Deletes all blocks of a user, as a part of its deletion. */
  async function deleteOf(user: UserId): Promise<void> {
    for await (const page of eachPage<Block>(client, queryOf(user)))
      await forEach(page, ({ blocked }) => transact(client, [ceasesToBe(user, blocked)]))
  }

  return { add, remove, isBlocked, userSeenBy, blockersAmong, allOf, list, deleteOf }
}

const queryOf = (user: UserId) => ({
  TableName: tableName('Blocks'),
  KeyConditionExpression: '#user = :user',
  ExpressionAttributeNames: { '#user': 'user' },
  ExpressionAttributeValues: { ':user': user },
})

const comesToBe = (block: Block): Step => ({
  refused: CHANGED,
  write: {
    Put: {
      TableName: tableName('Blocks'),
      Item: block,
      ConditionExpression: 'attribute_not_exists(blocked)',
    },
  },
})

const ceasesToBe = (user: UserId, blocked: Blocked): Step => ({
  refused: CHANGED,
  write: {
    Delete: {
      TableName: tableName('Blocks'),
      Key: { user, blocked },
      ConditionExpression: 'attribute_exists(blocked)',
    },
  },
})

/** Changes the counts of the user's blocks. Refused with CHANGED if the user is gone, or if it has too many blocks. */
const counts = (user: UserId, by: 1 | -1): Step => ({
  refused: CHANGED,
  write: {
    Update: {
      TableName: tableName('Users'),
      Key: { user },
      ConditionExpression: `${IS_THERE} AND (attribute_not_exists(blockCount) OR blockCount < :most)`,
      UpdateExpression: 'ADD blocks :one, blockCount :by',
      ExpressionAttributeValues: { ':one': 1, ':by': by, ':most': LIMITS.blocksPerUser + (by > 0 ? 0 : 1) },
    },
  },
})
