/**
 * A fleet in one process and in simulated time. Node machines, sessions, directory and stream functions are the real ones.
 * The tables are in memory, and count units like AWS. Keep-alives, relays and requests to INDEX are not simulated.
 */
import { randomBytes } from 'node:crypto'
import type { Context, ScheduledEvent } from 'aws-lambda'
import { createFleetReaction } from '../../functions/streams/fleet.ts'
import { createIndexHandler } from '../../functions/streams/index.ts'
import { createIndexNote } from '../../functions/streams/index-note.ts'
import { createMailboxReaction } from '../../functions/streams/mailbox.ts'
import { oneReader, type Part } from '../../functions/streams/one-reader.ts'
import { createPresence } from '../../functions/streams/presence.ts'
import { createReaper } from '../../functions/streams/reaper.ts'
import { type FunctionName, STREAMS } from '../../infra/functions.ts'
import { LEASE_SECONDS } from '../../infra/usage.ts'
import type { Directory } from '../../shared/directory.ts'
import { StraightwayError } from '../../shared/errors.ts'
import type { Push } from '../../shared/push.ts'
import { createConnections } from '../../shared/store/connections.ts'
import { createDirectory } from '../../shared/store/directory.ts'
import { createFleet } from '../../shared/store/fleet.ts'
import type { TableName } from '../../shared/store/tables.ts'
import { ADDRESS_WORDS } from '../../shared/wire/address.ts'
import type { Batch } from '../../shared/wire/batch.ts'
import { type BenchNode, FIRST_NODE, leaseOf, newNode, START } from './nodes.ts'
import { PeerSide, type Population } from './population.ts'
import { Seated } from './seated.ts'
import { type Reader, readerOf, StreamReaders } from './streams.ts'
import { MemoryTables } from './tables.ts'

/** Streams are polled this often. */
const QUARTER_MS = 1000 / STREAMS.pollsPerSecond
/** Times within a quarter at which peers flush, so that replies and frames that wait to be batched leave. */
const STEPS_MS = [0, 30, 60]

export interface FleetCounts {
  posts: number
  /** Messages of 32 KB, by which API Gateway charges. */
  messages: number
  /** Calls of each stream function. */
  calls: Partial<Record<FunctionName, number>>
  records: number
  peakQueue: number
}

export class Fleet {
  now = START
  #posts = 0
  #messages = 0
  #peakQueue = 0
  readonly tables: MemoryTables
  readonly side: PeerSide
  readonly nodes: readonly BenchNode[]
  readonly seated: Seated
  readonly #population: Population
  readonly #directory: Directory
  readonly #streams: StreamReaders
  readonly #leases: ReturnType<typeof createFleet>
  readonly #touched = new Set<number>()
  #pending: Promise<void>[] = []

  constructor(population: Population, count: number) {
    this.#population = population
    const key = randomBytes(32)
    const made = Array.from({ length: count }, (_, i) => newNode(i, key))
    this.nodes = made.map(({ node }) => node)
    const nodes = this.nodes.map(({ id }) => id)
    this.seated = new Seated({ ...population.seats, networkSize: population.networkSize, nodes })
    this.tables = new MemoryTables(population.derived, () => this.now, this.seated.rows)
    const { client } = this.tables
    const none = async () => ({ records: [], more: false })
    this.#directory = createDirectory(client, { search: none } as never)
    this.#leases = createFleet(client)
    this.side = new PeerSide(
      population,
      made.map(({ known }) => known),
    )
    const now = () => this.now
    const context = { client, management: { post: this.#post, end: async () => {} }, now }
    const presence = oneReader(createPresence(context) as Part, createIndexNote(client, now))
    this.#streams = new StreamReaders(
      this.tables.streams,
      new Map<TableName, Reader>([
        ['Presence', readerOf('presence', presence)],
        ['IndexQueue', readerOf('index', createIndexHandler(client) as Part)],
        ['Mailbox', readerOf('mailbox', createMailboxReaction(context) as Part)],
        ['Fleet', readerOf('fleet', createFleetReaction(context) as Part)],
      ]),
    )
  }

  get counts(): FleetCounts {
    return {
      posts: this.#posts,
      messages: this.#messages,
      calls: Object.fromEntries(this.#streams.calls),
      records: this.#streams.records,
      peakQueue: this.#peakQueue,
    }
  }

  /** Number of changes that no function has read yet. */
  get waiting(): number {
    return this.#streams.waiting
  }

  /** Starts the counts again. */
  reset(): void {
    this.#posts = 0
    this.#messages = 0
    this.#peakQueue = 0
    this.#streams.calls.clear()
    this.#streams.records = 0
    this.tables.units.clear()
  }

  async start(): Promise<void> {
    const connections = createConnections(this.tables.client)
    const items = this.nodes.map((node) => leaseOf(node, this.now))
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

  /** Simulates a second, in which nothing begins by itself. */
  async second(): Promise<void> {
    for (let i = 0; i < STREAMS.pollsPerSecond; i++) await this.quarter()
  }

  /** Simulates a quarter of a second: datagrams arrive and are answered, and the functions read the streams. */
  async quarter(): Promise<void> {
    const began = this.now
    for (const step of STEPS_MS) {
      this.now = began + step
      for (const number of this.#touched) {
        const peer = this.#population.peers[number]!
        this.side.flush(peer, this.outOf(peer.at), this.now)
      }
      this.#touched.clear()
      await this.#exchange()
    }
    this.#peakQueue = Math.max(this.#peakQueue, this.#streams.waiting)
    const isLast = (began + QUARTER_MS) % 1000 === 0
    if (isLast) await this.#renewLeases()
    await this.#streams.poll(isLast)
    await this.#exchange()
    this.now = began + QUARTER_MS
  }

  kill(node: number): void {
    this.nodes[node]!.isDead = true
  }

  /** Signs in a peer that is in the tables only, as its new node would. */
  async moveSeated(number: number, node: number): Promise<void> {
    const reply = await this.#directory.ask({
      kind: 'signIn',
      item: this.seated.moved(number, node, this.now),
    })
    if (reply.kind !== 'signIn' || reply.outcome !== 'taken')
      throw new StraightwayError('internal', `peer ${number} could not move: ${JSON.stringify(reply)}`)
  }

  /** Runs the reaper. Returns the number of nodes that were removed. */
  async reap(): Promise<number> {
    const reaper = createReaper({ client: this.tables.client, now: () => this.now })
    const time = { getRemainingTimeInMillis: () => 60_000 } as Context
    let reaped = 0
    for (const part of [0, 1, 2, 3]) {
      const done = await reaper({ part, parts: 4 } as unknown as ScheduledEvent, time)
      reaped += done.reaped
    }
    return reaped
  }

  /** The leases whose turn it is: each is renewed every LEASE_SECONDS, and the others are read. */
  async #renewLeases(): Promise<void> {
    const second = Math.floor(this.now / 1000)
    for (const [i, node] of this.nodes.entries()) {
      if (node.isDead || i % LEASE_SECONDS !== second % LEASE_SECONDS) continue
      await this.#leases.renew(leaseOf(node, this.now), second)
      const nodes = await this.#leases.alive(second)
      node.machine.handle({ kind: 'fleet', nodes }, node.out, this.now)
    }
  }

  #post = async (connection: string, text: string): Promise<'sent' | 'gone'> => {
    const node = this.nodes[Number(connection)]!
    if (node.isDead) return 'gone'
    this.#posts++
    this.#messages += Math.ceil(text.length / 32_768)
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
}
