/** Entities for tests of the stream functions. Each test gets ids that no other test has. */
import { randomBytes } from 'node:crypto'
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import { NODE_TABLES } from '../../../infra/functions.ts'
import type { Directory } from '../../../shared/directory.ts'
import {
  type NetworkId,
  type NodeId,
  type PeerId,
  peerIdOf,
  toBase32,
  type UserId,
} from '../../../shared/ids.ts'
import type { PresenceItem } from '../../../shared/presence.ts'
import { createDirectory } from '../../../shared/store/directory.ts'
import { itemOfUser, newUser } from '../../../shared/store/users.ts'
import type { Cloud } from '../cloud-under-test.ts'
import { permitted } from '../permitted.ts'

const newId = (prefix: string, bytes = 10): string => `${prefix}_${toBase32(randomBytes(bytes))}`

export const newNode = () => newId('node', 5) as NodeId
export const newNetwork = () => newId('n') as NetworkId
export const newUserId = () => newId('u') as UserId
export const newPeerId = (): PeerId => peerIdOf(randomBytes(32))

export const presenceAt = (
  node: NodeId,
  networks: readonly NetworkId[],
): PresenceItem & { node: NodeId } => ({
  peer: newPeerId(),
  user: newUserId(),
  node,
  networks,
  status: 'online',
  custom: '',
  metadata: { map: 'dust', rank: 3 },
  since: 1_000,
  version: 1,
  lastSeenAt: 1_000,
})

export const directoryOf = ({ client }: Cloud): Directory =>
  createDirectory(permitted(client, NODE_TABLES), { search: async () => ({ records: [], more: false }) })

export async function join({ client }: Cloud, network: NetworkId, ...nodes: NodeId[]): Promise<void> {
  const TableName = 'NetworkNodes'
  for (const node of nodes) {
    await client.send(new PutCommand({ TableName, Item: { network, node } }))
  }
}

export async function putUser(cloud: Cloud, user: UserId, networks: readonly NetworkId[], name = 'Ada') {
  const Item = itemOfUser({ ...newUser({ name }, 0), user, networks })
  await cloud.client.send(new PutCommand({ TableName: 'Users', Item }))
}

/** Writes what a sign-in writes. */
export async function putPresence(cloud: Cloud, item: PresenceItem): Promise<void> {
  await cloud.client.send(new PutCommand({ TableName: 'Presence', Item: item }))
}
