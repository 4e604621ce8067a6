/**
 * Messages for peers that are not there, one item a message.
 *
 * `entry` is the time of sending, the sender, its epoch and its sequence number, each padded so that text order is their
 * order. It is made from the message alone, so storing a message again meets the item of the first time and is answered
 * `stored`; an arrival time would make a second copy of every message whose receipt was lost. A sender stamps `sentAt`
 * without running backwards, so each sender's messages lie in their order; where its clock was set back, the
 * recipient's rule of `previous` restores it. A message that was long under way may sort before ones already read:
 * who empties a mailbox begins again without `after` until a page is empty.
 *
 * Users share a mailbox (shared/model/mailbox-share.ts). It is counted once, then again when the count is old; several nodes
 * storing for one peer at once can exceed a share by what they store in that time.
 *
 * What comes of somebody whom the recipient's user blocks takes no place. It is put where nobody reads, over the one before:
 * the same steps as for any other message, so that the time of the answer tells nothing.
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
import { isBlocked } from './blocks.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import { getPeer } from './peers.ts'
import { writeMany } from './write-many.ts'

/** A message for a peer of `user`. */
export interface Posted {
  readonly peer: PeerId
  readonly user: UserId
  /** Whose the message's sender is; looked up if it is not known. */
  readonly sender?: UserId
  readonly message: Omit<StoredMessage, 'entry'>
}

export interface Mailbox {
  store(posted: Posted, now: number): Promise<'stored' | 'full'>
  /** In order of `entry`, from the first after `after`. */
  read(peer: PeerId, limit: number, after?: string): Promise<{ messages: StoredMessage[]; more: boolean }>
  discard(peer: PeerId, entries: readonly string[]): Promise<void>
}

/** How long a count of a mailbox is believed, and of how many mailboxes it is remembered. */
const TALLY_MS = 5_000
const TALLIES = 10_000
/** Before the name of a mailbox that nobody has. */
const UNREAD = '-'
/** Whether nobody reads what is put there. */
export const isUnread = (peer: string): boolean => peer.startsWith(UNREAD)

/** What was counted, and stored or discarded through here since. */
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
        given.sender ?? getPeer(client, message.from).then((found) => found?.user),
      ])
      const any = sender === undefined ? [message.from] : [message.from, sender]
      const isDropped = await isBlocked(client, user, any)
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
      // Whose they were is not known: shares are too great until the next count.
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
