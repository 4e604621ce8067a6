/**
 * A client whose transactions succeed only while its guards hold, and leave a record in the audit trail. INDEX gives one
 * to each request: the credential is read before the write, so its validity is a condition of the write.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Actor } from '../model/permission.ts'
import type { Note } from './audit-step.ts'
import { tableName } from './client.ts'
import { TABLES, type Table, type TableName } from './tables.ts'

/**
 * A condition on an item. Its names and values begin with `guard`, so that it can be joined with any other
 * expression.
 */
export interface Guard {
  readonly table: TableName
  readonly key: Readonly<Record<string, string>>
  readonly condition: string
  readonly names?: Readonly<Record<string, string>>
  readonly values?: Readonly<Record<string, unknown>>
}

interface Held {
  readonly guards: readonly Guard[]
  readonly note: Note | undefined
}

const HELD = new WeakMap<DynamoDBDocumentClient, Held>()

/** With a note, every transaction must tell what it changes. */
export function guarded(
  client: DynamoDBDocumentClient,
  guards: readonly Guard[],
  note?: Note,
): DynamoDBDocumentClient {
  if (guards.length === 0 && note === undefined) return client
  const holder = Object.create(client) as DynamoDBDocumentClient
  HELD.set(holder, { guards, note })
  return holder
}

/**
 * The client without its guards and its note, for work that continues after its request even if the credential is
 * revoked.
 */
export function unguarded(client: DynamoDBDocumentClient): DynamoDBDocumentClient {
  return HELD.has(client) ? (Object.getPrototypeOf(client) as DynamoDBDocumentClient) : client
}

export const guardsOf = (client: DynamoDBDocumentClient): readonly Guard[] => HELD.get(client)?.guards ?? []

export const noteOf = (client: DynamoDBDocumentClient): Note | undefined => HELD.get(client)?.note

/**
 * The credential is still valid: the API key is not deleted; the peer is not revoked; its user is not being deleted.
 */
export function credentialGuards(actor: Actor): readonly Guard[] {
  switch (actor.kind) {
    case 'nobody':
      return []
    case 'key': {
      const names = { '#guardRole': 'role' }
      const values = { ':guardRole': actor.role }
      return [
        { table: 'ApiKeys', key: { key: actor.key }, condition: '#guardRole = :guardRole', names, values },
      ]
    }
    case 'peer': {
      const { peer, user } = actor
      const names = { '#guardUser': 'user' }
      const enrolled = '#guardUser = :guardUser AND attribute_not_exists(revokedAt)'
      const stays = 'attribute_exists(createdAt) AND attribute_not_exists(deletingAt)'
      return [
        { table: 'Peers', key: { peer }, condition: enrolled, names, values: { ':guardUser': user } },
        { table: 'Users', key: { user }, condition: stays },
      ]
    }
  }
}

/** True if the write, which has a key or an item, concerns the guarded item. */
export function isOf({ table, key }: Guard, { TableName, Key, Item }: Target): boolean {
  if (TableName !== tableName(table)) return false
  const { partition, sort }: Table = TABLES[table]
  const named = Key ?? Item
  return [partition, ...(sort === undefined ? [] : [sort])].every((name) => named?.[name] === key[name])
}

export interface Target {
  readonly TableName?: string | undefined
  readonly Key?: Readonly<Record<string, unknown>> | undefined
  readonly Item?: Readonly<Record<string, unknown>> | undefined
}
