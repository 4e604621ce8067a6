/** The CHECKPOINT service of a node: a CheckpointMachine on one UDP port, with its access to tables and its pushes. */
import { randomBytes } from 'node:crypto'
import { getHeapStatistics } from 'node:v8'
import { ASKS_UNDER_WAY } from '../shared/core/checkpoint/asks.ts'
import { CheckpointMachine } from '../shared/core/checkpoint/checkpoint-machine.ts'
import type { CheckpointCounters } from '../shared/core/checkpoint/counters.ts'
import type { CheckpointEffect, CheckpointInput } from '../shared/core/checkpoint/events.ts'
import type { FleetKeys } from '../shared/crypto/fleet.ts'
import type { StaticKeys } from '../shared/crypto/noise.ts'
import type { TicketKeys } from '../shared/crypto/ticket.ts'
import type { Directory, FleetItem } from '../shared/directory.ts'
import { now } from '../shared/drive/clock.ts'
import type { NodeId } from '../shared/ids.ts'
import type { Push } from '../shared/push.ts'
import { addressOf, formatAddress } from '../shared/wire/address.ts'
import { type DriverCounters, drive } from './drive.ts'
import type { Bind, Endpoint } from './socket.ts'

/** Connections to the tables. Two for each request in progress, because some requests make several calls at the same time. */
export const TABLE_CONNECTIONS = 2 * ASKS_UNDER_WAY

/** Memory of an idle session, measured with a million of them and rounded up. */
const SESSION_BYTES = 1280

export interface StartCheckpointOptions {
  /** Literal address to bind; `::` for both families. */
  readonly host: string
  /** Port 0 lets the system choose. */
  readonly port: number
  /** Address that peers see behind a 1:1 NAT, such as an elastic IP. Default: `host`. Required if `host` is a wildcard. */
  readonly publicAddress?: string
  readonly node: NodeId
  /** X25519 key pair of the node. Bootstrap publishes the public key. */
  readonly identity: StaticKeys
  /** Fleet keys, newest first. */
  readonly fleetKeys: FleetKeys
  readonly ticketKeys: TicketKeys
  readonly directory: Directory
  /** Number of sessions from which peers are redirected to other nodes. Default: as many as half of the heap limit holds. */
  readonly capacity?: number
  readonly keepAliveMs?: number
  readonly cookiesAbove?: number
  /** Called every ten seconds. */
  readonly onMetrics?: (metrics: Extract<CheckpointEffect, { kind: 'metrics' }>) => void
  /** Called if a node is needed that is not in the last fleet this node read. */
  readonly onMissing?: () => void
  /** More sockets at which the service is reached, in addition to its own port. Default: none. */
  readonly common?: readonly Endpoint[]
  readonly bind?: Bind
}

export interface Checkpoint {
  /** Public address as published in the lease: `ip:port`. */
  readonly address: string
  /** Load for the lease, 0 to 1. */
  readonly load: number
  readonly sessions: number
  push(push: Push): void
  /** Reports whether pushes reach this node. When they arrive again, the node reads again what it may have missed. */
  pushesArrive(arrive: boolean): void
  /** Sets all leases, which name the other nodes and HANDSHAKE services. */
  setFleet(items: readonly FleetItem[]): void
  setFleetKeys(keys: FleetKeys): void
  /** Reports that this node's lease had expired, so the tables counted its peers as gone. */
  leaseLost(): void
  setTicketKeys(keys: TicketKeys): void
  /** Accepts no new session and asks peers to sign in elsewhere. Resolves when all are gone, at the latest after `graceMs`. */
  drain(graceMs: number): Promise<void>
  counters(): CheckpointCounters & { readonly socket: DriverCounters }
  close(): Promise<void>
}

/** Starts the service. Rejects with `unavailable` if the port cannot be bound. */
export async function startCheckpoint(options: StartCheckpointOptions): Promise<Checkpoint> {
  const { host, port, publicAddress = host, common = [], bind, ...rest } = options
  const capacity = Math.floor(getHeapStatistics().heap_size_limit / 2 / SESSION_BYTES)
  const machine = new CheckpointMachine({ capacity, ...rest, seed: randomBytes(32), now: now() })
  const drained = Promise.withResolvers<void>()
  const driver = await drive<CheckpointInput, CheckpointEffect>(machine, {
    sockets: [{ host, port }, ...common],
    perform: (effect) => perform(effect, options, drained.resolve),
    ...(bind && { bind }),
  })
  const boundPort = driver.addresses[0]![0]!.words[4]!
  return {
    address: formatAddress(addressOf(publicAddress, boundPort)!.words),
    get load() {
      return machine.load
    },
    get sessions() {
      return machine.sessions
    },
    push: (push) => driver.handle({ kind: 'push', push }),
    pushesArrive: (arrive) => driver.handle({ kind: arrive ? 'pushesBack' : 'pushesLost' }),
    setFleet: (nodes) => driver.handle({ kind: 'fleet', nodes }),
    leaseLost: () => driver.handle({ kind: 'leaseLost' }),
    setFleetKeys: (keys) => driver.handle({ kind: 'fleetKeys', keys }),
    setTicketKeys: (keys) => driver.handle({ kind: 'ticketKeys', keys }),
    drain: (graceMs) => {
      driver.handle({ kind: 'drain' })
      return within(graceMs, drained.promise)
    },
    counters: () => ({ ...machine.counters, socket: driver.counters() }),
    close: () => driver.close(),
  }
}

async function perform(
  effect: CheckpointEffect,
  { directory, onMetrics, onMissing }: Pick<StartCheckpointOptions, 'directory' | 'onMetrics' | 'onMissing'>,
  drained: () => void,
): Promise<CheckpointInput | undefined> {
  switch (effect.kind) {
    case 'ask':
      return { kind: 'reply', id: effect.id, reply: await directory.ask(effect.request) }
    case 'metrics':
      onMetrics?.(effect)
      return undefined
    case 'lookForNodes':
      onMissing?.()
      return undefined
    case 'drained':
      drained()
      return undefined
  }
}

async function within(ms: number, done: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, ms)
  await Promise.race([done, late.promise])
  clearTimeout(timer)
}
