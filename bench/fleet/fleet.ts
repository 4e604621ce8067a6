/**
 * A fleet in one process and in simulated time. Node machines, sessions, directory and stream functions are the real ones.
 * The tables are in memory, and count units like AWS. Keep-alives, relays and requests to INDEX are not simulated.
 */
import { randomBytes } from 'node:crypto'
import type { Context, DynamoDBRecord, ScheduledEvent } from 'aws-lambda'
import { createFleetReaction } from '../../functions/streams/fleet.ts'
import { createIndexHandler } from '../../functions/streams/index.ts'
import { createIndexNote } from '../../functions/streams/index-note.ts'
import { createMailboxReaction } from '../../functions/streams/mailbox.ts'
import { oneReader, type Part } from '../../functions/streams/one-reader.ts'
import { createPresence } from '../../functions/streams/presence.ts'
import { createReaper } from '../../functions/streams/reaper.ts'
import { CheckpointMachine } from '../../shared/core/checkpoint/checkpoint-machine.ts'
import type { PeerNode } from '../../shared/core/peer/events.ts'
import { identityOf } from '../../shared/crypto/identity.ts'
import type { Directory, FleetItem } from '../../shared/directory.ts'
import { StraightwayError } from '../../shared/errors.ts'
import { type NodeId, toBase32 } from '../../shared/ids.ts'
import type { Push } from '../../shared/push.ts'
import { createConnections } from '../../shared/store/connections.ts'
import { createDirectory } from '../../shared/store/directory.ts'
import { createFleet } from '../../shared/store/fleet.ts'
import type { TableName } from '../../shared/store/tables.ts'
import { ADDRESS_WORDS, formatAddress } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { BENCH_TICKET_KEYS } from '../ticket.ts'
import { PeerSide, type Population } from './population.ts'
import { MemoryTables } from './tables.ts'

/** Address of the first node: 192.0.2.0. The others follow. */
const FIRST_NODE = 0xc0000200
const NODE_PORT = 3480
/** Stream shards of a table of this size. */
export const SHARDS = 4
/** Most records of a batch. */
export const BATCH = 100
/** Records per second that one shard handles. */
export const SHARD_RATE = 2_000
const START = 1_800_000_000_000
const LEASE_SECONDS = 30
/** Interval of keep-alives: longer than in reality, because they use no table. */
const KEEP_ALIVE_MS = 24 * 3600_000
/** Times within a second at which peers flush, so that replies and frames that wait to be batched leave. */
const STEPS_MS = [0, 30, 60]

export interface FleetCounts {
  posts: number
  /** Messages of 32 KB, by which API Gateway charges. */
  messages: number
  invocations: number
  records: number
  peakQueue: number
}

interface BenchNode {
  readonly id: NodeId
  readonly machine: CheckpointMachine
  readonly arrived: Batch
  readonly out: Batch
  readonly words: Uint32Array
  isDead: boolean
}

export class Fleet {
  now = START
  readonly counts: FleetCounts = { posts: 0, messages: 0, invocations: 0, records: 0, peakQueue: 0 }
  readonly tables: MemoryTables
  readonly side: PeerSide
  readonly nodes: readonly BenchNode[]
  readonly #population: Population
  readonly #directory: Directory
  readonly #functions: ReadonlyMap<TableName, Part>
  readonly #leases: ReturnType<typeof createFleet>
  readonly #touched = new Set<number>()
  #pending: Promise<void>[] = []

  constructor(population: Population, count: number) {
    this.#population = population
    this.tables = new MemoryTables(population.derived, () => this.now)
    const { client } = this.tables
    const none = async () => ({ records: [], more: false })
    this.#directory = createDirectory(client, { search: none } as never)
    this.#leases = createFleet(client)
    const key = randomBytes(32)
    const made = Array.from({ length: count }, (_, i) => newNode(i, key))
    this.nodes = made.map(({ node }) => node)
    this.side = new PeerSide(
      population,
      made.map(({ known }) => known),
    )
    const now = () => this.now
    const context = { client, management: { post: this.#post, end: async () => {} }, now }
    this.#functions = new Map<TableName, Part>([
      ['Presence', oneReader(createPresence(context) as Part, createIndexNote(client, now))],
      ['IndexQueue', createIndexHandler(client) as Part],
      ['Mailbox', createMailboxReaction(context) as Part],
      ['Fleet', createFleetReaction(context) as Part],
    ])
  }

  async start(): Promise<void> {
    const connections = createConnections(this.tables.client)
    const items = this.nodes.map((node) => this.#leaseOf(node))
    for (const [i, item] of items.entries()) {
      await this.#leases.register(item)
      const life = { connectedAt: this.now, expiresAtSeconds: 9e9 }
      await connections.add({ connection: `${i}`, node: item.node, ...life })
    }
    for (const { machine, out } of this.nodes) {
      machine.handle({ kind: 'fleet', nodes: items }, out, this.now)
      machine.handle({ kind: 'pushesBack' }, out, this.now)
    }
    this.tables.streams.clear()
  }

  outOf = (node: number): Batch => this.nodes[node]!.arrived

  /** Simulates one second: datagrams arrive and are answered, and the functions read the streams. */
  async second(): Promise<void> {
    for (const step of STEPS_MS) {
      this.now = this.now - (this.now % 1000) + step
      for (const number of this.#touched) {
        const peer = this.#population.peers[number]!
        this.side.flush(peer, this.outOf(peer.at), this.now)
      }
      this.#touched.clear()
      await this.#exchange()
    }
    await this.#read()
    await this.#exchange()
    this.now += 1000 - STEPS_MS.at(-1)!
  }

  kill(node: number): void {
    this.nodes[node]!.isDead = true
  }

  /** Renews all leases except those of dead nodes, and runs the reaper. Returns the number of nodes that were removed. */
  async reap(): Promise<number> {
    // Living nodes renew their leases in time; the simulation does not wait for that.
    for (const node of this.nodes) if (!node.isDead) await this.#leases.renew(this.#leaseOf(node), 0)
    const reaper = createReaper({ client: this.tables.client, now: () => this.now })
    const time = { getRemainingTimeInMillis: () => 60_000 } as Context
    let reaped = 0
    for (const part of [0, 1, 2, 3]) {
      const done = await reaper({ part, parts: 4 } as unknown as ScheduledEvent, time)
      reaped += done.reaped
    }
    return reaped
  }

  #leaseOf({ id, words, machine, isDead }: BenchNode): FleetItem {
    const address = formatAddress(words)
    return {
      node: id,
      roles: ['checkpoint'],
      publicKey: toBase32(new Uint8Array(32)),
      addresses: { checkpoint: [address] },
      ...{ load: machine.load, draining: false, startedAt: START },
      expiresAtSeconds: Math.floor(this.now / 1000) + (isDead ? 0 : LEASE_SECONDS * 10),
    }
  }

  #post = async (connection: string, text: string): Promise<'sent' | 'gone'> => {
    const node = this.nodes[Number(connection)]!
    if (node.isDead) return 'gone'
    this.counts.posts++
    this.counts.messages += Math.ceil(text.length / 32_768)
    for (const push of JSON.parse(text) as Push[])
      node.machine.handle({ kind: 'push', push }, node.out, this.now)
    return 'sent'
  }

  async #exchange(): Promise<void> {
    for (let isQuiet = false; !isQuiet; ) {
      isQuiet = true
      for (const node of this.nodes) {
        if (node.isDead) {
          node.arrived.clear()
          continue
        }
        if (node.arrived.count > 0) node.machine.receive(node.arrived, node.out, this.now)
        node.arrived.clear()
        if (node.machine.deadline() <= this.now) node.machine.tick(node.out, this.now)
        this.#perform(node)
        if (node.out.count > 0) isQuiet = false
        this.#deliver(node)
      }
      if (this.#pending.length === 0) continue
      isQuiet = false
      await Promise.all(this.#pending.splice(0))
    }
  }

  #perform(node: BenchNode): void {
    for (let effect = node.machine.poll(); effect !== undefined; effect = node.machine.poll()) {
      if (effect.kind !== 'ask') continue
      const { id, request } = effect
      const replied = this.#directory.ask(request).then((reply) => {
        if (reply.kind === 'failed') throw new StraightwayError('internal', reply.detail)
        node.machine.handle({ kind: 'reply', id, reply }, node.out, this.now)
      })
      this.#pending.push(replied)
    }
  }

  #deliver({ out, words }: BenchNode): void {
    for (let i = 0; i < out.count; i++) {
      const to = this.nodes[out.address[i * ADDRESS_WORDS + 3]! - FIRST_NODE]
      if (to !== undefined) to.arrived.push(out.at(i), words)
      else {
        const peer = this.side.hear(out, i, this.outOf, this.now)
        if (peer !== undefined) this.#touched.add(peer.number)
      }
    }
    out.clear()
  }

  /** Gives each function the records of its shards, in batches, at most SHARD_RATE per shard. */
  async #read(): Promise<void> {
    const waiting = [...this.tables.streams.values()].reduce((sum, { length }) => sum + length, 0)
    this.counts.peakQueue = Math.max(this.counts.peakQueue, waiting)
    for (const [table, handler] of this.#functions) {
      const records = this.tables.streams.get(table) ?? []
      this.tables.streams.set(table, [])
      const shards: DynamoDBRecord[][] = Array.from({ length: SHARDS }, () => [])
      for (const record of records) shards[shardOf(record)]!.push(record)
      const left = await Promise.all(shards.map((shard) => this.#readShard(handler, shard)))
      const later = left.flat()
      if (later.length > 0) this.tables.streams.get(table)!.unshift(...later)
    }
  }

  async #readShard(handler: Part, records: readonly DynamoDBRecord[]): Promise<readonly DynamoDBRecord[]> {
    const fits = records.slice(0, SHARD_RATE)
    for (let at = 0; at < fits.length; at += BATCH) {
      const Records = fits.slice(at, at + BATCH)
      this.counts.invocations++
      this.counts.records += Records.length
      const { batchItemFailures } = await handler({ Records }, {} as Context)
      if (batchItemFailures.length > 0)
        throw new StraightwayError('internal', 'a stream function left records')
    }
    return records.slice(SHARD_RATE)
  }
}

function newNode(i: number, key: Uint8Array): { node: BenchNode; known: PeerNode } {
  const identity = identityOf(randomBytes(32))
  const id = `node_${toBase32(Uint8Array.of(i >> 8, i & 255, 1, 1, 1))}` as NodeId
  const machine = new CheckpointMachine({
    ...{ node: id, identity: { publicKey: identity.staticPublic, secretKey: identity.staticSecret } },
    ...{ fleetKeys: [key], ticketKeys: BENCH_TICKET_KEYS, seed: randomBytes(32), now: START },
    ...{ keepAliveMs: KEEP_ALIVE_MS, cookiesAbove: Number.POSITIVE_INFINITY },
  })
  const words = Uint32Array.of(0, 0, 0xffff, FIRST_NODE + i, NODE_PORT)
  const node = { id, machine, arrived: new Batch(), out: new Batch(), words, isDead: false }
  return { node, known: { node: id, publicKey: identity.staticPublic, addresses: [{ words }] } }
}

function shardOf({ dynamodb }: DynamoDBRecord): number {
  const [key = {}] = Object.values(dynamodb?.Keys ?? {})
  const text = 'S' in key ? String(key.S) : ''
  let sum = 0
  for (let i = 0; i < text.length; i++) sum = (Math.imul(sum, 31) + text.charCodeAt(i)) >>> 0
  return sum % SHARDS
}
