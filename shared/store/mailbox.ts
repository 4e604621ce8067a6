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
 * The limit is kept without a count per message: a mailbox is counted once, then again only when the count is old or
 * says that it is full. Several nodes storing for one peer at once can exceed it by what they store in that time.
 */
import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  QueryCommand,
} from '@aws-sdk/lib-dynamodb'
import type { StoredMessage } from '../directory.ts'
import type { PeerId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import { writeMany } from './write-many.ts'

export interface Mailbox {
  store(peer: PeerId, message: Omit<StoredMessage, 'entry'>, now: number): Promise<'stored' | 'full'>
  /** In order of `entry`, from the first after `after`. */
  read(peer: PeerId, limit: number, after?: string): Promise<{ messages: StoredMessage[]; more: boolean }>
  discard(peer: PeerId, entries: readonly string[]): Promise<void>
}

/** How long a count of a mailbox is believed, and of how many mailboxes it is remembered. */
const TALLY_MS = 5_000
const TALLIES = 10_000

/** A count, and what was stored or discarded through here since. */
interface Tally {
  readonly countedAt: number
  readonly counted: Promise<number>
  since: number
}

export function createMailbox(client: DynamoDBDocumentClient): Mailbox {
  const TableName = tableName('Mailbox')
  const tallies = new Map<PeerId, Tally>()

  function tallyOf(peer: PeerId, now: number): Tally {
    const known = tallies.get(peer)
    if (known && now - known.countedAt < TALLY_MS) return known
    if (tallies.size >= TALLIES) tallies.delete(tallies.keys().next().value!)
    const tally = { countedAt: now, counted: countOf(client, peer), since: 0 }
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
    async store(peer, message, now) {
      const entry = entryOf(message)
      const tally = tallyOf(peer, now)
      const full = (await tally.counted) + tally.since >= LIMITS.mailboxMessages
      if (full) return (await holds(peer, entry)) ? 'stored' : 'full'
      const expiresAtSeconds = Math.ceil((now + LIMITS.mailboxMs) / 1000)
      const Item = { ...message, peer, entry, expiresAtSeconds }
      const put = new PutCommand({ TableName, Item, ConditionExpression: 'attribute_not_exists(entry)' })
      tally.since++
      if (!(await unlessRefused(client.send(put)))) tally.since--
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
      const tally = tallies.get(peer)
      if (tally) tally.since -= requests.length
    },
  }
}

/** Stops at the limit: nobody needs to know by how much a mailbox exceeds it. */
async function countOf(client: DynamoDBDocumentClient, peer: PeerId): Promise<number> {
  let count = 0
  const query = { ...ofPeer(peer), TableName: tableName('Mailbox'), Select: 'COUNT' as const }
  for await (const page of paginateQuery({ client }, query)) {
    count += page.Count ?? 0
    if (count >= LIMITS.mailboxMessages) break
  }
  return count
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

function toMessage({ entry, from, epoch, sequence, previous, body, sentAt }: StoredMessage): StoredMessage {
  return { entry, from, epoch, sequence, previous, body: new Uint8Array(body), sentAt }
}
