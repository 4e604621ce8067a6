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
import type { Bind } from './socket.ts'

/** What worked before between two networks, named as one. Losing it costs a step in another order. */
export interface TraversalHistory {
  /** Never rejects. */
  recall(pair: string): Promise<StepKind | undefined>
  remember(pair: string, technique: StepKind): void
}

export interface StartHandshakeOptions {
  /** Literal address to bind; `::` for both families. */
  readonly host: string
  /** Port 0 lets the system choose. */
  readonly port: number
  /** What peers see where a 1:1 NAT stands between, as an elastic IP does. Needed where `host` is a wildcard. */
  readonly publicAddress?: string
  readonly node: NodeId
  /** Newest first. */
  readonly fleetKeys: FleetKeys
  readonly history?: TraversalHistory
  /** There may be relays that this one has not heard of. */
  readonly onMissing?: () => void
  readonly maxPairs?: number
  readonly bind?: Bind
}

export interface Handshake {
  /** What peers use and the lease says: `ip:port`. */
  readonly address: string
  /** 0 to 1, for the lease. */
  readonly load: number
  /** All leases: the relays among them are given to tunnels. */
  setFleet(items: readonly FleetItem[]): void
  setFleetKeys(fleetKeys: FleetKeys): void
  /** Takes no new tunnel; resolves when there is none any more, at the latest after `graceMs`. */
  drain(graceMs: number): Promise<void>
  counters(): HandshakeCounters & { readonly socket: DriverCounters }
  close(): Promise<void>
}

/** Rejects with `unavailable` where the port cannot be bound. */
export async function startHandshake(options: StartHandshakeOptions): Promise<Handshake> {
  const { host, port, publicAddress = host, bind, ...rest } = options
  const machine = new HandshakeMachine({ ...rest, seed: randomBytes(32) })
  const drained = Promise.withResolvers<void>()
  const driver = await drive<HandshakeInput, HandshakeEffect>(machine, {
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
