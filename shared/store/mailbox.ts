/**
 * Messages for peers that are not signed in, one item per message.
 *
 * `entry` is `sentAt`, the sender, its epoch and its sequence number, each padded so that text order is their order.
 * It is made from the message alone. So storing a message is idempotent: a repeated one meets its first item and is
 * answered `stored`. With an arrival time in the key, every message whose receipt was lost would be stored twice.
 *
 * Order: a sender stamps `sentAt` without running backwards, so its messages are in its order. If its clock was set
 * back, the recipient restores the order by `previous`. A message that was delayed may sort before ones already read.
 * To empty a mailbox, therefore start again without `after` until a page is empty.
 *
 * Quota: senders share a mailbox (shared/model/mailbox-share.ts). Its messages are counted once, and again when the
 * count is older than TALLY_MS. Several nodes that store for one peer can together exceed a share by what they store
 * in that time.
 *
 * Blocks: a message from a sender that the recipient's user blocks takes no space. It is written to a mailbox that
 * nobody reads, over the one before. The steps are those of any other message, so that the duration of the answer
 * reveals nothing.
 */
import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  QueryCommand,
} from '@aws-sdk/lib-dynamodb'
import type { StoredMessage } from '../directory.ts'
import type { PeerId, UserId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import { MailboxShares } from '../model/mailbox-share.ts'
import { createBlocks } from './blocks.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import { createPeers } from './peers.ts'
import { writeMany } from './write-many.ts'

/** A message for a peer of `user`. */
export interface Posted {
  readonly peer: PeerId
  readonly user: UserId
  /** The user of the message's sender. Looked up if absent. */
  readonly sender?: UserId
  readonly message: Omit<StoredMessage, 'entry'>
}

export interface Mailbox {
  store(posted: Posted, now: number): Promise<'stored' | 'full'>
  /** Messages in the order of `entry`, from the first after `after`. */
  read(peer: PeerId, limit: number, after?: string): Promise<{ messages: StoredMessage[]; more: boolean }>
  discard(peer: PeerId, entries: readonly string[]): Promise<void>
}

/** How long the count of a mailbox is reused, and for how many mailboxes counts are kept. */
const TALLY_MS = 5_000
const TALLIES = 10_000
/** Prefix of the names of mailboxes that nobody reads. */
const UNREAD = '-'
/** True if nobody reads this mailbox. */
export const isUnread = (peer: string): boolean => peer.startsWith(UNREAD)

/** The count of a mailbox, updated by what was stored and discarded through this process since. */
interface Tally {
  readonly countedAt: number
  readonly counted: Promise<MailboxShares>
}

export function createMailbox(client: DynamoDBDocumentClient): Mailbox {
  const TableName = tableName('Mailbox')
  const tallies = new Map<PeerId, Tally>()

  function tallyOf(peer: PeerId, now: number): Tally {
    const known = tallies.get(peer)
    if (known && now - known.countedAt < TALLY_MS) return known
    if (tallies.size >= TALLIES) tallies.delete(tallies.keys().next().value!)
    const tally = { countedAt: now, counted: sharesIn(client, peer) }
    tallies.set(peer, tally)
    tally.counted.catch(() => tallies.delete(peer))
    return tally
  }

  async function holds(peer: PeerId, entry: string): Promise<boolean> {
    const { Item } = await client.send(
      new GetCommand({ TableName, Key: { peer, entry }, ConsistentRead: true }),
    )
    return Item !== undefined
  }

  return {
    async store({ peer, user, message, ...given }, now) {
      const entry = entryOf(message)
      const [shares, sender] = await Promise.all([
        tallyOf(peer, now).counted,
        given.sender ??
          createPeers(client)
            .get(message.from)
            .then((found) => found?.user),
      ])
      const any = sender === undefined ? [message.from] : [message.from, sender]
      const isDropped = await createBlocks(client).isBlocked(user, any)
      if (!shares.hasPlaceFor(sender)) return (await holds(peer, entry)) ? 'stored' : 'full'
      const expiresAtSeconds = Math.ceil((now + LIMITS.mailboxMs) / 1000)
      const key = isDropped ? { peer: `${UNREAD}${peer}`, entry: UNREAD } : { peer, entry }
      const put = new PutCommand({
        TableName,
        Item: { ...message, ...key, expiresAtSeconds, ...(sender && { sender }) },
        ConditionExpression: 'attribute_not_exists(entry) OR entry = :unread',
        ExpressionAttributeValues: { ':unread': UNREAD },
      })
      if (!isDropped) shares.add(sender, 1)
      if (!(await unlessRefused(client.send(put)))) shares.add(sender, -1)
      return 'stored'
    },

    async read(peer, limit, after) {
      const Limit = limit + 1
      const page = await client.send(
        new QueryCommand({ ...ofPeer(peer, after), TableName, Limit, ConsistentRead: true }),
      )
      const items = (page.Items ?? []) as StoredMessage[]
      const more = items.length > limit || page.LastEvaluatedKey !== undefined
      return { messages: items.slice(0, limit).map(toMessage), more }
    },

    async discard(peer, entries) {
      const requests = [...new Set(entries)].map((entry) => ({ DeleteRequest: { Key: { peer, entry } } }))
      await writeMany(client, TableName, requests)
      // The senders of the discarded messages are unknown here. Only the total is updated; the shares are too high
      // until the next count.
      const left = await tallies.get(peer)?.counted
      if (left !== undefined) left.total -= requests.length
    },
  }
}

async function sharesIn(client: DynamoDBDocumentClient, peer: PeerId): Promise<MailboxShares> {
  const shares = new MailboxShares()
  const query = { ...ofPeer(peer), TableName: tableName('Mailbox'), ProjectionExpression: 'sender' }
  for await (const { Items = [] } of paginateQuery({ client }, query))
    for (const { sender } of Items as { readonly sender?: UserId }[]) shares.add(sender, 1)
  return shares
}

function entryOf({ sentAt, from, epoch, sequence }: Omit<StoredMessage, 'entry'>): string {
  return [padded(sentAt, 15), from, padded(epoch, 15), padded(sequence, 10)].join('.')
}

const padded = (value: number, digits: number): string => `${value}`.padStart(digits, '0')

function ofPeer(peer: PeerId, after?: string) {
  return {
    KeyConditionExpression: after === undefined ? 'peer = :peer' : 'peer = :peer AND entry > :after',
    ExpressionAttributeValues: { ':peer': peer, ...(after !== undefined && { ':after': after }) },
  }
}

function toMessage(item: StoredMessage): StoredMessage {
  const { entry, from, epoch, sequence, previous, previousIsStored, body, sentAt } = item
  return { entry, from, epoch, sequence, previous, previousIsStored, body: new Uint8Array(body), sentAt }
}
