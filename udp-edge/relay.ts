/** The RELAY service of a node: a RelayMachine on one UDP port, and on one TCP port for peers whose network drops UDP. */
import { randomBytes } from 'node:crypto'
import type { RelayCounters } from '../shared/core/relay/relay-counters.ts'
import { type RelayEffect, type RelayInput, RelayMachine } from '../shared/core/relay/relay-machine.ts'
import type { FleetKeys } from '../shared/crypto/fleet.ts'
import type { TlsEndpoint } from '../shared/directory.ts'
import { now } from '../shared/drive/clock.ts'
import { addressOf, formatAddress, isLoopback, PORT_WORD } from '../shared/wire/address.ts'
import { bindUdp } from './bind.ts'
import { CarriedPeers } from './carried-socket.ts'
import { type Driver, type DriverCounters, drive } from './drive.ts'
import { type KernelCounters, KernelRelay } from './kernel-relay/kernel-relay.ts'
import type { Bind, Endpoint } from './socket.ts'
import { type TlsCounters, type TlsLimits, TlsListener } from './tls-listener.ts'

export interface StartRelayOptions {
  /** Literal address to bind; `::` for both families. */
  readonly host: string
  /** Port 0 lets the system choose. */
  readonly port: number
  /** Address that peers see behind a 1:1 NAT, such as an elastic IP. Default: `host`. Required if `host` is a wildcard. */
  readonly publicAddress?: string
  /** Fleet keys, newest first. */
  readonly fleetKeys: FleetKeys
  /** TLS over TCP, for peers whose network drops UDP. Port 0 lets the system choose. Default: UDP only. */
  readonly tls?: { readonly port: number } & Partial<TlsLimits>
  readonly maxTunnels?: number
  readonly maxBytesPerSecond?: number
  readonly idleMs?: number
  /** Called when a leg has ended, with the traffic forwarded from it. */
  readonly onEnded?: (leg: Extract<RelayEffect, { kind: 'ended' }>) => void
  /** More sockets at which the service is reached, in addition to its own port. Default: none. */
  readonly common?: readonly Endpoint[]
  readonly bind?: Bind
  /** Forwards in the kernel if this process may. `log` reports whether kernel or process forwards. Default: the process. */
  readonly kernel?: { readonly log: (what: string, why?: unknown) => void }
}

export interface Relay {
  /** Public address as published in the lease: `ip:port`. */
  readonly address: string
  /** TCP port at the IP of `address` for peers without UDP, and the pin by which they recognise the relay. */
  readonly tls: TlsEndpoint | undefined
  /** Load for the lease, 0 to 1. */
  readonly load: number
  readonly legs: number
  setFleetKeys(fleetKeys: FleetKeys): void
  /** Accepts no new leg. Resolves when none is left, at the latest after `graceMs`. */
  drain(graceMs: number): Promise<void>
  counters(): RelayCounters & {
    readonly socket: DriverCounters
    readonly tls?: TlsCounters
    readonly kernel?: KernelCounters
  }
  close(): Promise<void>
}

/** Starts the service. Rejects with `unavailable` if a port cannot be bound. */
export async function startRelay(options: StartRelayOptions): Promise<Relay> {
  const {
    host,
    port,
    publicAddress = host,
    common = [],
    tls,
    onEnded,
    bind = bindUdp,
    kernel,
    ...limits
  } = options
  const machine = new RelayMachine({ ...limits, seed: randomBytes(32) })
  const drained = Promise.withResolvers<void>()
  const carried = new CarriedPeers()
  const own = { host, port }
  const bindOwn = carried.beside(bind)
  let kernelRelay: KernelRelay | undefined
  const driver = await drive<RelayInput, RelayEffect>(machine, {
    sockets: [own, ...common],
    perform: (effect) => {
      if (effect.kind === 'drained') drained.resolve()
      else if (effect.kind === 'ended') onEnded?.(effect)
      else kernelRelay?.take(effect)
      return undefined
    },
    bind: (endpoint, inbox) => (endpoint === own ? bindOwn : bind)(endpoint, inbox),
  })
  const listener = tls && (await listen(host, tls, carried, driver))
  const bound = driver.addresses[0]![0]!.words
  const boundPort = bound[PORT_WORD]!
  if (kernel !== undefined && !isLoopback(bound)) {
    kernelRelay = new KernelRelay({
      host,
      port: boundPort,
      onForwarding: (isForwarding) => driver.handle({ kind: 'kernel', isForwarding }),
      onTraffic: (traffic) => driver.handle({ kind: 'offloaded', traffic }),
      log: kernel.log,
    })
  }
  return {
    address: formatAddress(addressOf(publicAddress, boundPort)!.words),
    tls: listener?.endpoint,
    get load() {
      return Math.max(machine.load, listener?.load ?? 0)
    },
    get legs() {
      return machine.legs
    },
    setFleetKeys: (fleetKeys) => driver.handle({ kind: 'fleet-keys', fleetKeys }),
    drain: (graceMs) => {
      driver.handle({ kind: 'drain', until: now() + graceMs })
      return drained.promise
    },
    counters: () => ({
      ...machine.counters,
      socket: driver.counters(),
      ...(listener && { tls: listener.counters }),
      ...(kernelRelay && { kernel: kernelRelay.counters }),
    }),
    async close() {
      await listener?.close()
      await kernelRelay?.close()
      await driver.close()
    },
  }
}

async function listen(
  host: string,
  { port, ...limits }: NonNullable<StartRelayOptions['tls']>,
  carried: CarriedPeers,
  driver: Driver<RelayInput>,
): Promise<TlsListener> {
  try {
    return await TlsListener.open({ host, port }, carried, limits)
  } catch (error) {
    await driver.close()
    throw error
  }
}
