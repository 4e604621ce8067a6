/**
 * The description of every table, as plain data. `local` and `infra` create the tables from it; `store` reads and
 * writes them. One table per entity; keys are named for what they hold; secondary indexes instead of overloaded keys.
 */
export interface Index {
  readonly name: string
  readonly partition: string
  readonly sort?: string
  /** The index holds only keys, so a write that does not change them costs nothing there. Default: the whole item. */
  readonly keysOnly?: true
}

export interface Table {
  readonly name: string
  /** Key attributes. All are strings. */
  readonly partition: string
  readonly sort?: string
  readonly indexes?: readonly Index[]
  /**
   * The function that reads the stream (NEW_AND_OLD_IMAGES): one only, because the stream of a global table supports
   * no more.
   */
  readonly stream?: StreamReader
  /** Name of the attribute with the expiry, in epoch seconds. */
  readonly expires?: string
  /**
   * The contents are written again when they are needed. So the table has no replica in another region, and is not
   * restored.
   */
  readonly passing?: true
}

export type StreamReader = 'presence' | 'membership' | 'metadata' | 'index' | 'mailbox' | 'fleet' | 'webhooks'

export const TABLES = {
  Users: { name: 'Users', partition: 'user', stream: 'metadata' },
  Networks: { name: 'Networks', partition: 'network', stream: 'metadata' },
  Memberships: {
    name: 'Memberships',
    partition: 'network',
    sort: 'user',
    stream: 'membership',
    indexes: [{ name: 'byUser', partition: 'user', sort: 'network' }],
  },
  /** Peers, and users with all their peers, from whom a user accepts nothing. */
  Blocks: {
    name: 'Blocks',
    partition: 'user',
    sort: 'blocked',
    stream: 'metadata',
    indexes: [{ name: 'byBlocked', partition: 'blocked', sort: 'user' }],
  },
  Peers: {
    name: 'Peers',
    partition: 'peer',
    stream: 'metadata',
    indexes: [{ name: 'byUser', partition: 'user', sort: 'peer' }],
  },
  /** Application objects. `collection` is the application's own name for a kind of object. */
  Objects: {
    name: 'Objects',
    partition: 'collection',
    sort: 'id',
    stream: 'metadata',
    indexes: [{ name: 'byNetwork', partition: 'network', sort: 'collection' }],
  },
  /** The declarations of collections, such as which attributes are searchable. */
  Collections: { name: 'Collections', partition: 'collection', stream: 'index' },
  /** Batches of changed records that are yet to be indexed (index-queue.ts). */
  IndexQueue: {
    name: 'IndexQueue',
    partition: 'batch',
    stream: 'index',
    passing: true,
    expires: 'expiresAtSeconds',
  },
  /**
   * Inverted index, maintained by the stream functions; see README.md. `term` is entity#scope#attribute; `entry` is
   * an encoded value and an id. So equality, prefixes and ranges are ranges of the sort key. Entries that records
   * have left expire.
   */
  SearchTerms: { name: 'SearchTerms', partition: 'term', sort: 'entry', expires: 'expiresAtSeconds' },
  /** One item per peer: where it is signed in, and what it says of itself. Written on transitions only. */
  Presence: { name: 'Presence', partition: 'peer', stream: 'presence', passing: true },
  NetworkNodes: { name: 'NetworkNodes', passing: true, partition: 'network', sort: 'node' },
  Fleet: { name: 'Fleet', partition: 'node', stream: 'fleet', passing: true, expires: 'expiresAtSeconds' },
  Mailbox: {
    name: 'Mailbox',
    partition: 'peer',
    sort: 'entry',
    stream: 'mailbox',
    expires: 'expiresAtSeconds',
  },
  Connections: {
    name: 'Connections',
    passing: true,
    partition: 'connection',
    indexes: [
      { name: 'byNode', partition: 'node' },
      { name: 'byPeer', partition: 'peer' },
    ],
    expires: 'expiresAtSeconds',
  },
  /** Used proofs, until they expire. */
  Proofs: { name: 'Proofs', partition: 'proof', expires: 'expiresAtSeconds' },
  Invites: {
    name: 'Invites',
    partition: 'invite',
    indexes: [{ name: 'byNetwork', partition: 'network', sort: 'invite' }],
    expires: 'expiresAtSeconds',
  },
  ApiKeys: { name: 'ApiKeys', partition: 'key' },
  /** Work in several steps, such as the deletion of a network. */
  Jobs: {
    name: 'Jobs',
    partition: 'job',
    indexes: [{ name: 'byState', partition: 'state', sort: 'job' }],
    expires: 'expiresAtSeconds',
  },
  /** Every administrative change (audit-step.ts). Written in the transaction of the change, never edited. */
  Audit: {
    name: 'Audit',
    partition: 'subject',
    sort: 'entry',
    indexes: [
      { name: 'byMonth', partition: 'month', sort: 'entry', keysOnly: true },
      { name: 'byMaker', partition: 'maker', sort: 'entry', keysOnly: true },
    ],
    expires: 'expiresAtSeconds',
  },
  /** Addresses that hear of changes, with the secrets that sign. */
  Webhooks: { name: 'Webhooks', partition: 'webhook' },
  /** Events on their way to webhooks (deliveries.ts). */
  Deliveries: {
    name: 'Deliveries',
    partition: 'stream',
    sort: 'delivery',
    stream: 'webhooks',
    passing: true,
    indexes: [{ name: 'byDue', partition: 'due', sort: 'dueAt', keysOnly: true }],
    expires: 'expiresAtSeconds',
  },
  TraversalHistory: {
    name: 'TraversalHistory',
    partition: 'pair',
    passing: true,
    expires: 'expiresAtSeconds',
  },
} as const satisfies Record<string, Table>

export type TableName = keyof typeof TABLES
