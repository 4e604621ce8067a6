/** Fills the tables with members whose peers are online, and objects with searchable values. All of them are indexed. */
import { generateKeyPairSync } from 'node:crypto'
import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb'
import { type NetworkId, type NodeId, type PeerId, peerIdOf, type UserId } from '../../shared/ids.ts'
import type { JsonObject } from '../../shared/model/json.ts'
import { tableName } from '../../shared/store/client.ts'
import { createCollections } from '../../shared/store/collections.ts'
import { indexCollection, indexRecord } from '../../shared/store/indexing.ts'
import { createMemberships } from '../../shared/store/memberships.ts'
import { createNetworks } from '../../shared/store/networks.ts'
import { createObjects, objectKeyOf } from '../../shared/store/objects.ts'
import { forEach } from '../../shared/store/pages.ts'
import { createPeers } from '../../shared/store/peers.ts'
import { enterPresence } from '../../shared/store/present.ts'
import { createUsers } from '../../shared/store/users.ts'

export interface Society {
  readonly network: NetworkId
  readonly user: UserId
  readonly peer: PeerId
  readonly userOf: (i: number) => UserId
}

export const COLLECTION = 'games'
export const LARGE = 'films'
const LARGE_TEXT = 'x'.repeat(125_000)

export async function populate(
  client: DynamoDBDocumentClient,
  { members, objects, large }: { readonly members: number; readonly objects: number; readonly large: number },
): Promise<Society> {
  const now = Date.now()
  const { network } = await createNetworks(client).create({ name: 'bench' }, now)
  const searchable = ['value.kind', 'value.level', 'value.open']
  await createCollections(client).put({ collection: COLLECTION, searchable, editable: 'owner' }, { now })
  await indexCollection(client, COLLECTION)
  const users: UserId[] = []
  const peers: PeerId[] = []
  await forEach(numbers(members), async (i) => {
    const { user } = await createUsers(client).create({ name: `member ${i}` }, now)
    await createMemberships(client).put({ network, user, role: 'member' }, now)
    const peer = newPeerId()
    await createPeers(client).bind({ peer, user, name: `peer ${i}` }, now)
    const presence = { status: 'online', custom: 'here', metadata: { game: 'chess' }, since: now, version: 1 }
    const place = { node: 'node_aaaaaaaa' as NodeId, networks: [network], lastSeenAt: now }
    const Item = { peer, user, ...presence, ...place }
    await client.send(new PutCommand({ TableName: tableName('Presence'), Item }))
    await indexRecord(client, { entity: 'user' }, user)
    await indexRecord(client, { entity: 'peer' }, peer)
    await enterPresence(client, peer)
    users[i] = user
    peers[i] = peer
  })
  const value = (i: number) => ({
    kind: i % 4 === 0 ? 'chess' : 'go',
    level: i % 97,
    open: i % 2 === 0,
    turn: i,
  })
  await forEach(numbers(objects), (i) => addObject(client, COLLECTION, { network, i, value: value(i) }))
  await forEach(numbers(large), (i) => addObject(client, LARGE, { network, i, value: { text: LARGE_TEXT } }))
  return { network, user: users[0]!, peer: peers[0]!, userOf: (i) => users[i]! }
}

async function addObject(
  client: DynamoDBDocumentClient,
  collection: string,
  { network, i, value }: { readonly network: NetworkId; readonly i: number; readonly value: JsonObject },
): Promise<void> {
  const id = `o${i}`
  await createObjects(client).create({ collection, id, network, value }, Date.now())
  await indexRecord(client, { entity: 'object', collection }, objectKeyOf(network, id))
}

export function newPeerId(): PeerId {
  const { x } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
  return peerIdOf(Buffer.from(x!, 'base64url'))
}

export function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i)
}
