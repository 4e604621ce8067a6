/** The CHECKPOINT service of a node: a CheckpointMachine on one UDP port, the tables behind it, the pushes into it. */
import { randomBytes } from 'node:crypto'
import { getHeapStatistics } from 'node:v8'
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
import type { Bind } from './socket.ts'

/** Of an idle session, measured with a million of them and rounded up. */
const SESSION_BYTES = 2048

export interface StartCheckpointOptions {
  /** Literal address to bind; `::` for both families. */
  readonly host: string
  /** Port 0 lets the system choose. */
  readonly port: number
  /** What peers see where a 1:1 NAT stands between, as an elastic IP does. Needed where `host` is a wildcard. */
  readonly publicAddress?: string
  readonly node: NodeId
  /** X25519: what bootstrap names as the node's public key, and its secret. */
  readonly identity: StaticKeys
  /** Newest first. */
  readonly fleetKeys: FleetKeys
  readonly ticketKeys: TicketKeys
  readonly directory: Directory
  /** Sessions from which on peers are sent elsewhere; by default as many as half of this process's heap holds. */
  readonly capacity?: number
  readonly keepAliveMs?: number
  readonly cookiesAbove?: number
  /** Every ten seconds. */
  readonly onMetrics?: (metrics: Extract<CheckpointEffect, { kind: 'metrics' }>) => void
  /** Somebody was looked for who is not in the fleet that this one has heard of. */
  readonly onMissing?: () => void
  readonly bind?: Bind
}

export interface Checkpoint {
  /** What peers use and the lease says: `ip:port`. */
  readonly address: string
  /** 0 to 1, for the lease. */
  readonly load: number
  readonly sessions: number
  push(push: Push): void
  /** Whether pushes reach this node now. Each time that they do again, what they would have told is read again. */
  pushesArrive(arrive: boolean): void
  /** All leases: where other nodes and HANDSHAKEs are. */
  setFleet(items: readonly FleetItem[]): void
  setFleetKeys(keys: FleetKeys): void
  /** This node's lease had ended: the tables took its peers for gone. */
  leaseLost(): void
  setTicketKeys(keys: TicketKeys): void
  /** Takes no new session and asks peers to go elsewhere; resolves when all are gone, at the latest after `graceMs`. */
  drain(graceMs: number): Promise<void>
  counters(): CheckpointCounters & { readonly socket: DriverCounters }
  close(): Promise<void>
}

/** Rejects with `unavailable` where the port cannot be bound. */
export async function startCheckpoint(options: StartCheckpointOptions): Promise<Checkpoint> {
  const { host, port, publicAddress = host, bind, ...rest } = options
  const capacity = Math.floor(getHeapStatistics().heap_size_limit / 2 / SESSION_BYTES)
  const machine = new CheckpointMachine({ capacity, ...rest, seed: randomBytes(32), now: now() })
  const drained = Promise.withResolvers<void>()
  const driver = await drive<CheckpointInput, CheckpointEffect>(machine, {
    sockets: [{ host, port }],
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
