/** The RELAY service of a node: a RelayMachine on one UDP port. */
import { randomBytes } from 'node:crypto'
import type { RelayCounters } from '../shared/core/relay/relay-counters.ts'
import { type RelayEffect, type RelayInput, RelayMachine } from '../shared/core/relay/relay-machine.ts'
import type { FleetKeys } from '../shared/crypto/fleet.ts'
import { addressOf, formatAddress } from '../shared/wire/address.ts'
import { type DriverCounters, drive } from './driver.ts'
import type { Bind } from './socket.ts'

export interface StartRelayOptions {
  /** Literal address to bind; `::` for both families. */
  readonly host: string
  /** Port 0 lets the system choose. */
  readonly port: number
  /** What peers see where a 1:1 NAT stands between, as an elastic IP does. Needed where `host` is a wildcard. */
  readonly publicAddress?: string
  /** Newest first. */
  readonly fleetKeys: FleetKeys
  readonly maxTunnels?: number
  readonly maxBytesPerSecond?: number
  readonly idleMs?: number
  /** A leg ended, with what was forwarded from it. */
  readonly onEnded?: (leg: Extract<RelayEffect, { kind: 'ended' }>) => void
  readonly bind?: Bind
}

export interface Relay {
  /** What peers use and the lease says: `ip:port`. */
  readonly address: string
  /** 0 to 1, for the lease. */
  readonly load: number
  readonly legs: number
  setFleetKeys(fleetKeys: FleetKeys): void
  /** Takes no new leg; resolves when there is none any more, at the latest after `graceMs`. */
  drain(graceMs: number): Promise<void>
  counters(): RelayCounters & { readonly socket: DriverCounters }
  close(): Promise<void>
}

/** Rejects with `unavailable` where the port cannot be bound. */
export async function startRelay(options: StartRelayOptions): Promise<Relay> {
  const { host, port, publicAddress = host, onEnded, bind, ...limits } = options
  const machine = new RelayMachine({ ...limits, seed: randomBytes(32) })
  const drained = Promise.withResolvers<void>()
  const driver = await drive<RelayInput, RelayEffect>(machine, {
    sockets: [{ host, port }],
    perform: (effect) => {
      if (effect.kind === 'drained') drained.resolve()
      else onEnded?.(effect)
      return undefined
    },
    ...(bind && { bind }),
  })
  const boundPort = driver.addresses[0]![0]!.words[4]!
  return {
    address: formatAddress(addressOf(publicAddress, boundPort)!.words),
    get load() {
      return machine.load
    },
    get legs() {
      return machine.legs
    },
    setFleetKeys: (fleetKeys) => driver.handle({ kind: 'fleet-keys', fleetKeys }),
    drain: (graceMs) => {
      driver.handle({ kind: 'drain', until: Date.now() + graceMs })
      return drained.promise
    },
    counters: () => ({ ...machine.counters, socket: driver.counters() }),
    close: () => driver.close(),
  }
}
