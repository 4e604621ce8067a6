/** Peers: keys bound to users, and their presence from the `Presence` table. */
import { DeleteCommand, type DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import type { PeerId, UserId } from '../ids.ts'
import type { JsonObject } from '../model/json.ts'
import type { LivePresence, Peer, PeerWithPresence } from '../model/peer.ts'
import { asSeenByOthers, type PresenceItem } from '../presence.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import { type Edit, editEntity } from './edits.ts'
import { userIsThere } from './membership-steps.ts'
import { eachPage, getMany } from './pages.ts'
import { CHANGED, OUTDATED, type Step, transact } from './transact.ts'

/** `erasedAt` is set when the peer's user was deleted. */
type PeerItem = Peer & { readonly erasedAt?: number }

export interface NewPeer {
  readonly peer: PeerId
  readonly user: UserId
  readonly name?: string | undefined
  readonly attributes?: JsonObject | undefined
}

/** The presence of a peer that has never signed in. */
export const NEVER_SEEN: LivePresence = {
  status: 'offline',
  custom: '',
  metadata: {},
  since: 0,
  version: 0,
  lastSeenAt: 0,
}

export function newPeer({ peer, user, name = 'peer', attributes = {} }: NewPeer, now: number): Peer {
  return { peer, user, name, attributes, createdAt: now, updatedAt: now, version: 1 }
}

export type Peers = ReturnType<typeof createPeers>

export function createPeers(client: DynamoDBDocumentClient) {
  /**
   * Binds a peer to a user. `made` is false if it was bound to this user already. Errors: `conflict` if it is another
   * user's; `forbidden` if it is revoked; `not-found` without the user.
   */
  async function bind(input: NewPeer, now: number): Promise<{ readonly peer: Peer; readonly made: boolean }> {
    const peer = newPeer(input, now)
    try {
      const told = { subject: peer.user, about: peer.peer, by: peer.user, after: peer }
      await transact(client, [{ ...userIsThere(peer), refused: NO_USER }, comesToBe(peer)], told)
      return { peer, made: true }
    } catch (error) {
      if (error !== CHANGED) throw error
    }
    const bound = await get(peer.peer)
    if (bound === undefined) return bind(input, now)
    expectUsable(bound, peer.user)
    return { peer: bound, made: false }
  }

  async function get(peer: PeerId): Promise<Peer | undefined> {
    const get = new GetCommand({ TableName: tableName('Peers'), Key: { peer }, ConsistentRead: true })
    return (await client.send(get)).Item as Peer | undefined
  }

  /** The peer. Errors: `unknown-peer`, also for a peer that was erased. */
  async function require(peer: PeerId): Promise<Peer> {
    const found: PeerItem | undefined = await get(peer)
    if (found === undefined || found.erasedAt !== undefined)
      throw new StraightwayError('unknown-peer', 'This peer is not enrolled')
    return found
  }

  /**
   * Peers with their presence, including revoked ones. Absent ones are left out. The peers of the user `own` have the
   * presence that they see themselves.
   */
  async function getManyWithPresence(
    ids: readonly PeerId[],
    own?: UserId,
  ): Promise<readonly PeerWithPresence[]> {
    const keys = [...new Set(ids)].map((peer) => ({ peer }))
    const [peers, items] = await Promise.all([
      getMany<PeerItem>(client, 'Peers', keys),
      getMany<PresenceItem>(client, 'Presence', keys),
    ])
    const presence = new Map(items.map((item) => [item.peer, item]))
    return peers
      .filter(({ erasedAt }) => erasedAt === undefined)
      .map((peer) => {
        const item = presence.get(peer.peer)
        return { ...peer, presence: peer.user === own ? seenByItself(item) : seenByOthers(item) }
      })
  }

  async function ofUser(user: UserId): Promise<readonly PeerId[]> {
    const ids: PeerId[] = []
    const query = {
      TableName: tableName('Peers'),
      IndexName: 'byUser',
      KeyConditionExpression: '#user = :user',
      ExpressionAttributeNames: { '#user': 'user' },
      ExpressionAttributeValues: { ':user': user },
    }
    for await (const page of eachPage<Peer>(client, query)) ids.push(...page.map(({ peer }) => peer))
    return ids
  }

  function update(peer: PeerId, edit: Edit): Promise<Peer> {
    const read = async () => {
      const item: PeerItem | undefined = await get(peer)
      return item?.erasedAt === undefined ? item : undefined
    }
    return editEntity(client, 'Peers', { peer }, read, edit)
  }

  /**
   * Revokes a peer: it gets no more tickets, and nodes end its session. The item stays, so that the key cannot be
   * enrolled again. Errors: `unknown-peer`; OUTDATED if the peer is at another version than `read`.
   */
  async function revoke(peer: PeerId, now: number, read?: Peer): Promise<void> {
    const { version, revokedAt } = read ?? {}
    const judged = version === undefined ? '' : ' AND #version = :version'
    const Update = {
      TableName: tableName('Peers'),
      Key: { peer },
      ConditionExpression: `attribute_exists(createdAt)${judged}`,
      UpdateExpression: 'SET revokedAt = if_not_exists(revokedAt, :now), updatedAt = :now ADD #version :one',
      ExpressionAttributeNames: { '#version': 'version' },
      ExpressionAttributeValues: {
        ':now': now,
        ':one': 1,
        ...(version !== undefined && { ':version': version }),
      },
    }
    const refused = version === undefined ? new StraightwayError('unknown-peer') : OUTDATED
    const [before, after] = [{ revokedAt }, { revokedAt: revokedAt ?? now }]
    const told = read ? [{ subject: read.user, about: peer, before, after }] : []
    await transact(client, [{ refused, write: { Update } }], ...told)
  }

  /**
   * Erases a peer as a part of the deletion of its user. The revocation makes its node end the session. What remains
   * records that the key was used, so that it cannot be enrolled again. Idempotent.
   */
  async function erase(peer: PeerId, now: number): Promise<void> {
    const update = new UpdateCommand({
      TableName: tableName('Peers'),
      Key: { peer },
      ConditionExpression: 'attribute_exists(createdAt)',
      UpdateExpression:
        'SET revokedAt = if_not_exists(revokedAt, :now), erasedAt = if_not_exists(erasedAt, :now),' +
        ' updatedAt = :now, #name = :name, attributes = :attributes ADD #version :one',
      ExpressionAttributeNames: { '#name': 'name', '#version': 'version' },
      ExpressionAttributeValues: { ':now': now, ':name': '', ':attributes': {}, ':one': 1 },
    })
    await unlessRefused(client.send(update))
    await erasePresence(peer)
  }

  /**
   * Deletes the presence of an erased peer, unless the peer is still signed in. The presence is then deleted when the
   * session has ended.
   */
  async function erasePresence(peer: PeerId): Promise<void> {
    const item = (await get(peer)) as PeerItem | undefined
    if (item !== undefined && item.erasedAt === undefined) return
    const remove = new DeleteCommand({
      TableName: tableName('Presence'),
      Key: { peer },
      ConditionExpression: 'attribute_not_exists(node)',
    })
    await unlessRefused(client.send(remove))
  }

  return { bind, get, require, getManyWithPresence, ofUser, update, revoke, erase, erasePresence }
}

const NO_USER = new StraightwayError('not-found', 'There is no such user')

/** The write of a new peer. Refused with CHANGED if the peer exists. */
export function comesToBe(peer: Peer): Step {
  const Put = {
    TableName: tableName('Peers'),
    Item: peer,
    ConditionExpression: 'attribute_not_exists(createdAt)',
  }
  return { refused: CHANGED, write: { Put } }
}

/**
 * Requires that the peer may be used by the user. Errors: `forbidden` if the peer is revoked; `conflict` if it
 * belongs to another user.
 */
export function expectUsable(peer: Peer, user: UserId = peer.user): void {
  if (peer.revokedAt !== undefined) {
    throw new StraightwayError(
      'forbidden',
      'This peer was revoked: make a new key on the device and enrol that',
    )
  }
  if (peer.user !== user) {
    throw new StraightwayError('conflict', 'This peer belongs to another user: make a new key on the device')
  }
}

function seenByItself(item: PresenceItem | undefined): LivePresence {
  return item?.node === undefined ? seenByOthers(item) : livePartOf(item)
}

function seenByOthers(item: PresenceItem | undefined): LivePresence {
  if (item === undefined) return NEVER_SEEN
  const present = item.node === undefined ? { ...item, status: 'offline' as const } : item
  return livePartOf(asSeenByOthers(present))
}

function livePartOf({ status, custom, metadata, since, version, lastSeenAt }: LivePresence): LivePresence {
  return { status, custom, metadata, since, version, lastSeenAt }
}
