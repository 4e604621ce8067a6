/** The HANDSHAKE service of a node: a HandshakeMachine on one UDP port. */
import { randomBytes } from 'node:crypto'
import type { HandshakeCounters, HandshakeEffect, HandshakeInput } from '../shared/core/handshake/events.ts'
import { HandshakeMachine } from '../shared/core/handshake/handshake-machine.ts'
import type { FleetKeys } from '../shared/crypto/fleet.ts'
import type { FleetItem } from '../shared/directory.ts'
import { now } from '../shared/drive/clock.ts'
import type { NodeId } from '../shared/ids.ts'
import { addressOf, formatAddress } from '../shared/wire/address.ts'
import type { StepKind } from '../shared/wire/handshake.ts'
import { type DriverCounters, drive } from './drive.ts'
import type { Bind, Endpoint } from './socket.ts'

/** The technique that worked before between two networks, by a name for the pair. Losing it only changes the order of steps. */
export interface TraversalHistory {
  /** The technique that worked last. Never rejects. */
  recall(pair: string): Promise<StepKind | undefined>
  remember(pair: string, technique: StepKind): void
}

export interface StartHandshakeOptions {
  /** Literal address to bind; `::` for both families. */
  readonly host: string
  /** Port 0 lets the system choose. */
  readonly port: number
  /** Address that peers see behind a 1:1 NAT, such as an elastic IP. Default: `host`. Required if `host` is a wildcard. */
  readonly publicAddress?: string
  readonly node: NodeId
  /** Fleet keys, newest first. */
  readonly fleetKeys: FleetKeys
  readonly history?: TraversalHistory
  /** Called if relays are needed that may not be in the last fleet this node read. */
  readonly onMissing?: () => void
  readonly maxPairs?: number
  /** More sockets at which the service is reached, in addition to its own port. Default: none. */
  readonly common?: readonly Endpoint[]
  readonly bind?: Bind
}

export interface Handshake {
  /** Public address as published in the lease: `ip:port`. */
  readonly address: string
  /** Load for the lease, 0 to 1. */
  readonly load: number
  /** Sets all leases. Tunnels get their relays from them. */
  setFleet(items: readonly FleetItem[]): void
  setFleetKeys(fleetKeys: FleetKeys): void
  /** Accepts no new tunnel. Resolves when none is left, at the latest after `graceMs`. */
  drain(graceMs: number): Promise<void>
  counters(): HandshakeCounters & { readonly socket: DriverCounters }
  close(): Promise<void>
}

/** Starts the service. Rejects with `unavailable` if the port cannot be bound. */
export async function startHandshake(options: StartHandshakeOptions): Promise<Handshake> {
  const { host, port, publicAddress = host, common = [], bind, ...rest } = options
  const machine = new HandshakeMachine({ ...rest, seed: randomBytes(32) })
  const drained = Promise.withResolvers<void>()
  const driver = await drive<HandshakeInput, HandshakeEffect>(machine, {
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
    setFleet: (items) => driver.handle({ kind: 'fleet', items }),
    setFleetKeys: (fleetKeys) => driver.handle({ kind: 'fleetKeys', fleetKeys }),
    drain: (graceMs) => {
      driver.handle({ kind: 'drain', until: now() + graceMs })
      return drained.promise
    },
    counters: () => ({ ...machine.counters, socket: driver.counters() }),
    close: () => driver.close(),
  }
}

async function perform(
  effect: HandshakeEffect,
  { history, onMissing }: Pick<StartHandshakeOptions, 'history' | 'onMissing'>,
  drained: () => void,
): Promise<HandshakeInput | undefined> {
  switch (effect.kind) {
    case 'recall': {
      const technique = await history?.recall(effect.pair)
      return technique && { kind: 'history', tunnel: effect.tunnel, technique }
    }
    case 'history':
      history?.remember(effect.pair, effect.technique)
      return undefined
    case 'lookForNodes':
      onMissing?.()
      return undefined
    case 'drained':
      drained()
      return undefined
  }
}
