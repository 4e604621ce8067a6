/**
 * The name of each member, and the presence of its most reachable peer.
 *
 * Both come from the search index. In a network the entries of users, of their peers and of present peers are in the
 * order in which members are listed, and their cards hold what is needed. The tables are read in two cases: for
 * `lastSeenAt` of a member without a present peer, and for a member that is not indexed yet.
 */
import type { DynamoDBDocumentClient, QueryCommandInput } from '@aws-sdk/lib-dynamodb'
import type { NetworkId, PeerId, UserId } from '../ids.ts'
import type { LivePresence } from '../model/peer.ts'
import { SHOWN } from '../model/search/card.ts'
import { encodeValue, HIGHEST } from '../model/search/encode.ts'
import { entryOf, idOf } from '../model/search/terms.ts'
import { asSeenByOthers, type PresenceItem, type Status } from '../presence.ts'
import { tableName } from './client.ts'
import { type Posting, termOf } from './index-changes.ts'
import { Meter, metered } from './meter.ts'
import { eachPage, forEach, getMany } from './pages.ts'
import { createPeers } from './peers.ts'
import { type PresentEntry, presentEntry, presentTerm } from './present.ts'
import { createUsers } from './users.ts'

export interface SeenMember {
  readonly name: string
  readonly presence: Pick<LivePresence, 'status' | 'custom' | 'lastSeenAt'> & { readonly peer?: PeerId }
}

/** How reachable a user is through a peer with this status; higher is better. */
const RANKS: Readonly<Record<Status, number>> = {
  online: 4,
  busy: 3,
  away: 2,
  unknown: 1,
  offline: 0,
  invisible: 0,
}
const NEVER_SEEN = { status: 'offline', custom: '', lastSeenAt: 0 } as const

interface SeenPeer extends Pick<LivePresence, 'status' | 'lastSeenAt'> {
  readonly peer: PeerId
  readonly user: UserId
  /** Undefined if the text was too long for the card. */
  readonly custom: string | undefined
}

/** Names and presence by user. `users`: members of the network, in the order of their ids. */
export async function seenMembers(
  client: DynamoDBDocumentClient,
  network: NetworkId,
  users: readonly UserId[],
): Promise<ReadonlyMap<UserId, SeenMember>> {
  const [first, last] = [users[0], users.at(-1)]
  if (first === undefined || last === undefined) return new Map()
  const [names, peers, present] = await Promise.all([
    namesBetween(client, network, first, last),
    peersBetween(client, network, first, last),
    presentBetween(client, network, first, last),
  ])
  const unknown = new Set(users.filter((user) => !names.has(user)))
  const there = new Set(present.map(({ user }) => user))
  const away = peers.filter(({ user }) => !unknown.has(user) && !there.has(user))
  const [read, theirs, seen] = await Promise.all([
    createUsers(client).getMany([...unknown]),
    peersOf(client, [...unknown]),
    presenceOf(
      client,
      away.map(({ peer }) => peer),
    ),
  ])
  for (const { user, name } of read) names.set(user, name)
  const best = bestOf([...present.filter(({ user }) => !unknown.has(user)), ...theirs, ...seen])
  const told = await withCustom(client, [...best.values()])
  return new Map(
    users.map((user) => [user, { name: names.get(user) ?? '', presence: told.get(user) ?? NEVER_SEEN }]),
  )
}

async function namesBetween(
  client: DynamoDBDocumentClient,
  network: NetworkId,
  first: UserId,
  last: UserId,
): Promise<Map<UserId, string>> {
  const names = new Map<UserId, string>()
  const query = between(termOf('user', network, ''), entryOf('', first), entryOf('', last))
  for await (const postings of eachPage<Posting>(client, query))
    for (const { entry, card, until } of postings) {
      const [name] = valuesOf(card)[SHOWN] ?? []
      if (until === undefined && typeof name === 'string') names.set(idOf(entry) as UserId, name)
    }
  return names
}

interface OwnedPeer {
  readonly peer: PeerId
  readonly user: UserId
}

async function peersBetween(
  client: DynamoDBDocumentClient,
  network: NetworkId,
  first: UserId,
  last: UserId,
): Promise<readonly OwnedPeer[]> {
  const peers: OwnedPeer[] = []
  const from = entryOf(encodeValue(first)!, '')
  const query = between(termOf('peer', network, 'user'), from, entryOf(encodeValue(last)!, HIGHEST))
  for await (const postings of eachPage<Posting>(client, query))
    for (const { entry, card, until } of postings) {
      const { user } = valuesOf(card)
      if (until !== undefined || user === undefined) continue
      peers.push({ peer: idOf(entry) as PeerId, user: user[0] as UserId })
    }
  return peers
}

async function presentBetween(
  client: DynamoDBDocumentClient,
  network: NetworkId,
  first: UserId,
  last: UserId,
): Promise<readonly SeenPeer[]> {
  const peers: SeenPeer[] = []
  const query = between(presentTerm(network), presentEntry(first, ''), presentEntry(last, HIGHEST as PeerId))
  for await (const entries of eachPage<PresentEntry>(client, query))
    for (const { entry, card, until, lastSeenAt = 0 } of entries) {
      const { user, status, custom } = valuesOf(card)
      if (until !== undefined || user === undefined || status === undefined) continue
      peers.push({
        ...{ peer: idOf(entry) as PeerId, user: user[0] as UserId, status: status[0] as Status },
        ...{ custom: custom?.[0] as string | undefined, lastSeenAt },
      })
    }
  return peers
}

/** A query that reads eventually consistent, like the index itself, at half the cost. */
function between(term: string, from: string, to: string): QueryCommandInput {
  return {
    TableName: tableName('SearchTerms'),
    KeyConditionExpression: 'term = :term AND entry BETWEEN :from AND :to',
    ExpressionAttributeValues: { ':term': term, ':from': from, ':to': to },
  }
}

function valuesOf(card: string | undefined): Readonly<Record<string, readonly unknown[] | undefined>> {
  return card === undefined ? {} : JSON.parse(card)
}

async function peersOf(
  client: DynamoDBDocumentClient,
  users: readonly UserId[],
): Promise<readonly SeenPeer[]> {
  const ids: PeerId[] = []
  await forEach(users, async (user) => ids.push(...(await createPeers(client).ofUser(user))))
  const peers = await createPeers(client).getManyWithPresence(ids)
  return peers
    .filter(({ revokedAt }) => revokedAt === undefined)
    .map(({ peer, user, presence: { status, custom, lastSeenAt } }) => ({
      ...{ peer, user, status, custom, lastSeenAt },
    }))
}

/** The presence of peers that the index has as absent. Some may have signed in meanwhile. */
async function presenceOf(
  client: DynamoDBDocumentClient,
  peers: readonly PeerId[],
): Promise<readonly SeenPeer[]> {
  const reading = metered(client, new Meter(), { eventually: true })
  const keys = peers.map((peer) => ({ peer }))
  const items = await getMany<PresenceItem>(reading, 'Presence', keys)
  return items.map((item) => {
    const { peer, user, status, custom, lastSeenAt } = asSeenByOthers(item)
    return { peer, user, status: item.node === undefined ? 'offline' : status, custom, lastSeenAt }
  })
}

function bestOf(peers: readonly SeenPeer[]): ReadonlyMap<UserId, SeenPeer> {
  const best = new Map<UserId, SeenPeer>()
  for (const peer of peers) {
    const other = best.get(peer.user)
    if (other === undefined || isBetter(peer, other)) best.set(peer.user, peer)
  }
  return best
}

function isBetter(a: SeenPeer, b: SeenPeer): boolean {
  return RANKS[a.status] - RANKS[b.status] > 0 || (a.status === b.status && a.lastSeenAt > b.lastSeenAt)
}

async function withCustom(
  client: DynamoDBDocumentClient,
  peers: readonly SeenPeer[],
): Promise<ReadonlyMap<UserId, SeenMember['presence']>> {
  const long = peers.filter(({ custom }) => custom === undefined).map(({ peer }) => peer)
  const read = new Map(
    (await createPeers(client).getManyWithPresence(long)).map((peer) => [peer.peer, peer.presence]),
  )
  return new Map(
    peers.map(({ user, peer, status, custom, lastSeenAt }) => [
      user,
      { status, custom: custom ?? read.get(peer)?.custom ?? '', lastSeenAt, peer },
    ]),
  )
}
