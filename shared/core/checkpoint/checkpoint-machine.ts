/**
 * CHECKPOINT, the node's side. Peers sign in here over UDP and are reachable through the session at any moment. They publish
 * their status, find each other, and exchange messages and offers of tunnels (wire README, sections 2 to 4).
 *
 * The machine is a function of datagrams, directory replies, stream pushes, time and seed. It only dispatches; each part is a
 * file of its own:
 *
 *   Admission    sign-in, up to a half-open session    Residence    a session from proof to end, and its Registration
 *   SessionTable all sessions, keep-alives, leases     Roster       sessions by peer, user and network
 *   Presence     status out, pushes in                 Networks     networks whose changes are pushed here
 *   News         news of others for peers, and MISSED  Allowances   rate limits of peers
 *   Standings    the rights of peers here              Blocks       the block lists of users
 *   Messages     routing between nodes                 Receipts     outcomes of messages, for their senders
 *   Deliveries   messages to peers here                Mailboxes    messages for offline peers
 *   Offers       tunnels: offers, answers, rejoins     Directions   grants for HANDSHAKEs
 *   Finds        searches                              Reach        which peers may reach each other
 *   Prekeys      the keys that messages are sealed for
 *   Locator      the nodes of other peers              Asks         requests to the directory
 *   Correction   the time, after the clock was set     Comeback     sign-ins after an expired lease
 *   NodeLinks    datagrams of other nodes              FleetView    the addresses of nodes
 *
 * All of this state may be lost: peers sign in elsewhere, senders retransmit messages until they have a receipt, and presence is
 * in the directory. State that a stranger can make the node keep has a fixed size.
 */
import type { Batch } from '../../wire/batch.ts'
import { KIND, VERSION } from '../../wire/numbers.ts'
import { indexAt, SHORT_BYTES } from '../../wire/session.ts'
import type { Machine } from '../machine.ts'
import { Queue } from '../session/queue.ts'
import type { Wall } from '../wall.ts'
import { assemble, type CheckpointOptions, type CheckpointParts } from './assemble.ts'
import type { CheckpointCounters } from './counters.ts'
import type { CheckpointEffect, CheckpointInput } from './events.ts'

export type { CheckpointOptions } from './assemble.ts'

export const METRICS_MS = 10_000
const CAPACITY = 1_000_000

export class CheckpointMachine implements Machine<CheckpointInput, CheckpointEffect> {
  readonly wall: Wall
  readonly #parts: CheckpointParts
  readonly #capacity: number
  readonly #effects = new Queue<CheckpointEffect>()
  #metricsAt: number

  /** `parts`: the machine's parts, if its owner opens sessions itself, without a handshake (`bench/million`). */
  constructor(options: CheckpointOptions, parts: CheckpointParts = assemble(options)) {
    this.#parts = parts
    this.wall = parts.wall
    this.#capacity = options.capacity ?? CAPACITY
    this.#metricsAt = options.now + METRICS_MS
  }

  get counters(): Readonly<CheckpointCounters> {
    return this.#parts.counters
  }

  /** Number of peers signed in here. */
  get sessions(): number {
    return this.#parts.roster.size
  }

  /** Load from 0 (idle) to 1 (full). */
  get load(): number {
    return Math.min(1, this.sessions / this.#capacity)
  }

  receive(arrived: Batch, out: Batch, now: number): void {
    for (let i = 0; i < arrived.count; i++) this.#datagram(arrived, i, out, now)
    this.#flush(out, now)
  }

  handle(input: CheckpointInput, out: Batch, now: number): void {
    this.#take(input, now)
    this.#flush(out, now)
  }

  tick(out: Batch, now: number): void {
    const { timed, drain } = this.#parts
    for (const part of timed) part.tick(now)
    if (drain.tick(now)) this.#effects.put({ kind: 'drained' })
    if (now >= this.#metricsAt) this.#measure(now)
    this.#flush(out, now)
  }

  deadline(): number {
    const { timed, table, drain } = this.#parts
    let least = Math.min(this.#metricsAt, table.deadline(), drain.deadline())
    for (const part of timed) least = Math.min(least, part.deadline())
    return least
  }

  poll(): CheckpointEffect | undefined {
    const { asks, fleet } = this.#parts
    const effect = asks.poll() ?? this.#effects.take()
    if (effect !== undefined) return effect
    return fleet.takeMissed() ? { kind: 'lookForNodes' } : undefined
  }

  #datagram(arrived: Batch, i: number, out: Batch, now: number): void {
    const start = arrived.start(i)
    const kind =
      arrived.length[i]! < SHORT_BYTES || arrived.bytes[start] !== VERSION ? 0 : arrived.bytes[start + 1]
    if (kind === KIND.KEEP_ALIVE) this.#parts.table.keepAlive(arrived, i, out, now)
    else if (kind === KIND.SEALED) this.#sealed(arrived, i, out, now)
    else if (kind === KIND.SIGN_IN) this.#parts.admission.receive({ arrived, i, out, now })
    else if (kind === KIND.NODE) this.#fromNode(arrived.at(i), now)
    else this.#parts.counters.malformed++
  }

  #sealed(arrived: Batch, i: number, out: Batch, now: number): void {
    const { table, residence, registration, peerFrames, counters } = this.#parts
    const session = table.find(indexAt(arrived.bytes, arrived.start(i)))
    const isFirst = session?.stage === 'halfOpen'
    if (session === undefined) table.gone(arrived, i, out)
    else if (!session.session.receive(arrived, i, now, peerFrames)) counters.malformed++
    else {
      counters.sealed++
      residence.prove(session, now)
      if (isFirst) registration.join(session, now)
      table.touch(session)
    }
  }

  #fromNode(datagram: Uint8Array, now: number): void {
    const opened = this.#parts.links.open(datagram, now)
    if (opened === undefined) this.#parts.counters.malformed++
    else if (!this.#parts.nodeFrames.take(opened.from, opened.frames, now)) this.#parts.counters.malformed++
  }

  #take(input: CheckpointInput, now: number): void {
    const { asks, pushes, fleet, credentials, links, directions, drain } = this.#parts
    switch (input.kind) {
      case 'reply':
        asks.resolve(input.id, input.reply, now)
        break
      case 'push':
        pushes.take(input.push, now)
        break
      case 'pushesLost':
        pushes.lost()
        break
      case 'pushesBack':
        pushes.back(now)
        break
      case 'leaseLost':
        this.#parts.comeback.start(now)
        pushes.unlisted(now)
        break
      case 'fleet':
        fleet.setAll(input.nodes)
        break
      case 'ticketKeys':
        credentials.ticketKeys = input.keys
        break
      case 'fleetKeys':
        links.keys = input.keys
        directions.fleetKey = input.keys[0]!
        break
      case 'drain':
        drain.start(now)
    }
  }

  #flush(out: Batch, now: number): void {
    const { table, links, asks, standings, residence, admission, drain, roster } = this.#parts
    table.flush(out, now, (ended, how) => residence.onEnd(ended, how, now))
    links.flush(out, now)
    standings.flush(now)
    asks.flush(now)
    admission.full = drain.isUnderWay || roster.size >= this.#capacity
  }

  #measure(now: number): void {
    this.#metricsAt = now + METRICS_MS
    const { counters, sessions, load } = this
    this.#effects.put({ kind: 'metrics', counters: { ...counters }, sessions, load })
  }
}
