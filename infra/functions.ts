/**
 * Every Lambda function as plain data: its code, the tables it uses and how, what calls it, and what else it may do.
 * Constructs derive functions, permissions and stream mappings from it; tests and the picture read it too.
 */
import type { TableName } from '../shared/store/tables.ts'

export interface FunctionDescription {
  /** The file that exports `handler`. */
  readonly entry: `functions/${string}.ts` | 'canary/index.ts'
  /** Its purpose, for people. */
  readonly does: string
  readonly reads?: readonly TableName[]
  /** Tables that it writes, and reads too. */
  readonly writes?: readonly TableName[]
  /** Tables that it adds items to. It can neither read nor list them, nor change a part of an item, nor delete one. */
  readonly creates?: readonly TableName[]
  /** Tables whose streams call it. Each stream has one function, because the stream of a global table supports no more. */
  readonly streams?: readonly TableName[]
  /**
   * Gathers changes for a second before each call. A busy shard then calls the function once a second, and each node gets
   * one post. Default: calls follow a change immediately.
   */
  readonly gathers?: true
  /** Only new items call it. Default: changed and removed ones do too. */
  readonly inserts?: true
  /** Interval at which EventBridge calls it. Default: never. */
  readonly every?: 'minute' | 'day'
  /** Parallel calls at each interval, each with its own part (`Share` in functions/streams/reaper.ts). Default: one call. */
  readonly parts?: number
  /** It posts to connections of the WebSocket API and ends them. */
  readonly pushes?: true
  /** The secret that it reads; functions/keys/fresh.ts derives the key and puts it into the function's environment. */
  readonly key?: 'ticket' | 'fleet'
  /** It runs the SDK, whose native modules cannot be part of a bundle. */
  readonly native?: true
  readonly memoryMb: number
  readonly timeoutSeconds: number
}

/** How Lambda reads the streams. */
export const STREAMS = {
  /** Polls of each shard per second, unless changes are gathered for a second. */
  pollsPerSecond: 4,
  /** Batches of one shard in parallel. Lambda keeps the order of records with the same key, which is the order that matters. */
  parallel: 2,
  /** Most records in a batch. */
  batch: 100,
  /** Most records in a gathered batch. It is large, so that a busy shard gets larger batches, not more of them. */
  gathered: 1_000,
} as const

const PUSHES = { pushes: true, memoryMb: 256, timeoutSeconds: 30 } as const
/** Tables that the index function reads to enter any kind of record into the search index. */
const INDEXED = ['Users', 'Networks', 'Peers', 'Objects', 'Collections'] as const
const SOCKET = { ...PUSHES, writes: ['Connections'], key: 'fleet', timeoutSeconds: 10 } as const

export const FUNCTIONS = {
  rest: {
    entry: 'functions/keys/rest.ts',
    does: 'INDEX',
    reads: ['SearchTerms', 'Fleet'],
    writes: [
      'Presence',
      'Jobs',
      'Users',
      'Networks',
      'Memberships',
      'Peers',
      'Blocks',
      'Objects',
      'Collections',
      'Invites',
      'ApiKeys',
      'Proofs',
      'Audit',
      'Webhooks',
      'Deliveries',
    ],
    key: 'ticket',
    memoryMb: 1024,
    timeoutSeconds: 15,
  },
  connect: {
    entry: 'functions/keys/connect.ts',
    does: 'a node, or a peer without UDP, connects',
    reads: ['Peers'],
    ...SOCKET,
    writes: ['Connections', 'Proofs'],
  },
  disconnect: { entry: 'functions/keys/disconnect.ts', does: 'a connection has ended', ...SOCKET },
  message: { entry: 'functions/keys/message.ts', does: 'carries datagrams of peers without UDP', ...SOCKET },
  index: {
    entry: 'functions/streams/index.ts',
    does: 'enters what changed into the search index',
    reads: [...INDEXED, 'IndexQueue'],
    writes: ['SearchTerms', 'Collections', 'Presence'],
    streams: ['Collections', 'IndexQueue'],
    memoryMb: 512,
    timeoutSeconds: 60,
  },
  metadata: {
    entry: 'functions/streams/metadata.ts',
    does: 'tells nodes of metadata, notes it for the index',
    reads: ['Users', 'Peers', 'Presence', 'NetworkNodes', 'Collections', 'Webhooks'],
    writes: ['Connections', 'IndexQueue', 'Deliveries'],
    streams: ['Users', 'Networks', 'Peers', 'Objects', 'Blocks'],
    ...PUSHES,
  },
  presence: {
    entry: 'functions/streams/presence.ts',
    does: 'tells nodes of presence, notes it for the index',
    reads: ['NetworkNodes', 'Webhooks'],
    writes: ['Connections', 'IndexQueue', 'Deliveries'],
    streams: ['Presence'],
    gathers: true,
    ...PUSHES,
  },
  membership: {
    entry: 'functions/streams/membership.ts',
    does: 'tells nodes of members, notes them for the index',
    reads: ['Peers', 'Presence', 'NetworkNodes', 'Webhooks'],
    writes: ['Connections', 'IndexQueue', 'Deliveries'],
    streams: ['Memberships'],
    ...PUSHES,
  },
  mailbox: {
    entry: 'functions/streams/mailbox.ts',
    does: 'tells a node of mail',
    reads: ['Presence'],
    writes: ['Connections'],
    streams: ['Mailbox'],
    inserts: true,
    ...PUSHES,
  },
  fleet: {
    entry: 'functions/streams/fleet.ts',
    does: 'tells nodes of the fleet',
    writes: ['Connections', 'Fleet'],
    streams: ['Fleet'],
    ...PUSHES,
  },
  webhooks: {
    entry: 'functions/webhooks/index.ts',
    does: 'posts events to webhooks',
    writes: ['Webhooks', 'Deliveries'],
    streams: ['Deliveries'],
    inserts: true,
    every: 'minute',
    memoryMb: 512,
    timeoutSeconds: 60,
  },
  reaper: {
    entry: 'functions/streams/reaper.ts',
    does: 'clears away nodes that died',
    writes: ['Fleet', 'Presence', 'NetworkNodes'],
    every: 'minute',
    parts: 4,
    memoryMb: 1769,
    timeoutSeconds: 120,
  },
  jobs: {
    entry: 'functions/jobs/index.ts',
    does: 'finishes deletions',
    writes: [
      'Users',
      'Networks',
      'Memberships',
      'Peers',
      'Blocks',
      'Objects',
      'Invites',
      'Presence',
      'Jobs',
      'Audit',
    ],
    every: 'minute',
    memoryMb: 256,
    timeoutSeconds: 60,
  },
  fleetMetrics: {
    entry: 'functions/watch/fleet.ts',
    does: 'publishes nodes and their load',
    reads: ['Fleet'],
    every: 'minute',
    memoryMb: 256,
    timeoutSeconds: 15,
  },
  canary: {
    entry: 'canary/index.ts',
    does: 'two peers from outside, who talk',
    creates: ['Networks', 'Invites'],
    every: 'minute',
    native: true,
    memoryMb: 512,
    timeoutSeconds: 60,
  },
  founding: {
    entry: 'functions/founding.ts',
    does: 'makes the first admin key, once',
    writes: ['ApiKeys'],
    memoryMb: 256,
    timeoutSeconds: 15,
  },
} as const satisfies Readonly<Record<string, FunctionDescription>>

export type FunctionName = keyof typeof FUNCTIONS

/** The function that rotates keys. It is not in `FUNCTIONS`, because it belongs to the edge stack and not to the api stack. */
export const KEY_ROTATION: FunctionDescription = {
  entry: 'functions/keys/rotate.ts',
  does: 'replaces old keys',
  every: 'day',
  memoryMb: 256,
  timeoutSeconds: 60,
}

/** Tables that nodes use: to sign peers in and out, keep their mail, look them up, and hold the node's own lease. */
export const NODE_TABLES: { readonly reads: readonly TableName[]; readonly writes: readonly TableName[] } = {
  reads: ['Users', 'Networks', 'Memberships', 'Peers', 'Blocks', 'Collections', 'SearchTerms'],
  writes: ['Presence', 'NetworkNodes', 'Mailbox', 'Fleet', 'TraversalHistory'],
}
