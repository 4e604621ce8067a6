/**
 * Every Lambda function, once, as plain data: what code it runs, which tables it touches and how, what calls it, and what
 * else it is allowed. Constructs make functions, permissions and stream mappings from it; tests and the picture read it.
 */
import type { TableName } from '../shared/store/tables.ts'

export interface FunctionDescription {
  /** Exports `handler`. */
  readonly entry: `functions/${string}.ts`
  readonly does: string
  readonly reads?: readonly TableName[]
  /** Read as well. */
  readonly writes?: readonly TableName[]
  /** Tables whose streams call it: one function a stream, as that of a global table bears no more. */
  readonly streams?: readonly TableName[]
  /** Changes are gathered for a second before it is called, so that a busy shard calls it once a second and each node has one post. */
  readonly gathers?: true
  /** EventBridge calls it. */
  readonly every?: 'minute' | 'day'
  /** The clock calls it so many times at the same time, each with its part (`Share` in functions/streams/reaper.ts). Default: once. */
  readonly parts?: number
  /** Posts to connections of the WebSocket API and ends them. */
  readonly pushes?: true
  /** Reads the secret, and finds the key in its environment (functions/keys/fresh.ts). */
  readonly key?: 'ticket' | 'fleet'
  readonly memoryMb: number
  readonly timeoutSeconds: number
}

const PUSHES = { pushes: true, memoryMb: 256, timeoutSeconds: 30 } as const
/** What entering a record into the search index reads, whatever the record is. */
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
    reads: ['Users', 'Peers', 'Presence', 'NetworkNodes', 'Collections'],
    writes: ['Connections', 'IndexQueue'],
    streams: ['Users', 'Networks', 'Peers', 'Objects', 'Blocks'],
    ...PUSHES,
  },
  presence: {
    entry: 'functions/streams/presence.ts',
    does: 'tells nodes of presence, notes it for the index',
    reads: ['NetworkNodes'],
    writes: ['Connections', 'IndexQueue'],
    streams: ['Presence'],
    gathers: true,
    ...PUSHES,
  },
  membership: {
    entry: 'functions/streams/membership.ts',
    does: 'tells nodes of members, notes them for the index',
    reads: ['Peers', 'Presence', 'NetworkNodes'],
    writes: ['Connections', 'IndexQueue'],
    streams: ['Memberships'],
    ...PUSHES,
  },
  mailbox: {
    entry: 'functions/streams/mailbox.ts',
    does: 'tells a node of mail',
    reads: ['Presence'],
    writes: ['Connections'],
    streams: ['Mailbox'],
    ...PUSHES,
  },
  fleet: {
    entry: 'functions/streams/fleet.ts',
    does: 'tells nodes of the fleet',
    reads: ['Presence', 'NetworkNodes'],
    writes: ['Connections', 'Fleet'],
    streams: ['Fleet'],
    ...PUSHES,
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
    writes: ['Users', 'Networks', 'Memberships', 'Peers', 'Blocks', 'Objects', 'Invites', 'Presence', 'Jobs'],
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
  founding: {
    entry: 'functions/founding.ts',
    does: 'makes the first admin key, once',
    writes: ['ApiKeys'],
    memoryMb: 256,
    timeoutSeconds: 15,
  },
} as const satisfies Readonly<Record<string, FunctionDescription>>

export type FunctionName = keyof typeof FUNCTIONS

/** Not among the others, which are parts of the api stack: it is one of the edge stack. */
export const KEY_ROTATION: FunctionDescription = {
  entry: 'functions/keys/rotate.ts',
  does: 'replaces old keys',
  every: 'day',
  memoryMb: 256,
  timeoutSeconds: 60,
}

/** What nodes do with tables: sign peers in and out, keep their mail, look them up, hold their own lease. */
export const NODE_TABLES: { readonly reads: readonly TableName[]; readonly writes: readonly TableName[] } = {
  reads: ['Users', 'Networks', 'Memberships', 'Peers', 'Blocks', 'Collections', 'SearchTerms'],
  writes: ['Presence', 'NetworkNodes', 'Mailbox', 'Fleet', 'TraversalHistory'],
}
