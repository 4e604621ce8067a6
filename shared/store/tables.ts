/**
 * Every table, once, as plain data: `local` and `infra` make the tables from this description, `store` reads and writes
 * them. One entity one table; keys named for what they hold; secondary indexes rather than overloaded keys.
 */
export interface Index {
  readonly name: string
  readonly partition: string
  readonly sort?: string
  /** Holds the keys only, so a write that leaves them alone costs nothing there. Default: the whole item. */
  readonly keysOnly?: true
}

export interface Table {
  readonly name: string
  /** Key attributes; all are strings. */
  readonly partition: string
  readonly sort?: string
  readonly indexes?: readonly Index[]
  /** Who reads the stream: one function a stream, as that of a global table bears no more. NEW_AND_OLD_IMAGES. */
  readonly stream?: StreamReader
  /** Attribute holding an expiry in epoch seconds. */
  readonly expires?: string
  /** It is written anew by whoever needs it: it has no replica in another region, and is not restored. */
  readonly passing?: true
}

export type StreamReader = 'presence' | 'membership' | 'metadata' | 'index' | 'mailbox' | 'fleet'

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
  /** Whom users take nothing from: peers, and users with all their peers. */
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
  /** Application metadata: `collection` is the application's own word for a kind of object. */
  Objects: {
    name: 'Objects',
    partition: 'collection',
    sort: 'id',
    stream: 'metadata',
    indexes: [{ name: 'byNetwork', partition: 'network', sort: 'collection' }],
  },
  /** What applications declare of their collections: which attributes are searchable. */
  Collections: { name: 'Collections', partition: 'collection', stream: 'index' },
  /** Batches of changed records, until the index function has entered them (index-queue.ts). */
  IndexQueue: {
    name: 'IndexQueue',
    partition: 'batch',
    stream: 'index',
    passing: true,
    expires: 'expiresAtSeconds',
  },
  /**
   * Inverted index, kept by the stream functions: see README.md. `term` is entity#scope#attribute, `entry` an encoded value and
   * an id, so that equality, prefixes and ranges are ranges of the sort key. Places that records left expire.
   */
  SearchTerms: { name: 'SearchTerms', partition: 'term', sort: 'entry', expires: 'expiresAtSeconds' },
  /**
   * One item a peer: where it is signed in, and what it says of itself. Written on transitions only. `place` is the node,
   * spread over partitions (places.ts); an item without it is nowhere.
   */
  Presence: {
    name: 'Presence',
    partition: 'peer',
    stream: 'presence',
    passing: true,
    indexes: [{ name: 'byPlace', partition: 'place', sort: 'peer', keysOnly: true }],
  },
  NetworkNodes: {
    name: 'NetworkNodes',
    passing: true,
    partition: 'network',
    sort: 'node',
    indexes: [{ name: 'byPlace', partition: 'place', sort: 'network', keysOnly: true }],
  },
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
  /** Proofs that were used, each until it has ended. */
  Proofs: { name: 'Proofs', partition: 'proof', expires: 'expiresAtSeconds' },
  Invites: {
    name: 'Invites',
    partition: 'invite',
    indexes: [{ name: 'byNetwork', partition: 'network', sort: 'invite' }],
    expires: 'expiresAtSeconds',
  },
  ApiKeys: { name: 'ApiKeys', partition: 'key' },
  /** Work of several steps, such as the deletion of a network, until it is finished. */
  Jobs: {
    name: 'Jobs',
    partition: 'job',
    indexes: [{ name: 'byState', partition: 'state', sort: 'job' }],
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
