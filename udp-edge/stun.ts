/** The STUN service of a node: a StunServer on the node's two ports, with the addresses of its partner. */
import { randomBytes } from 'node:crypto'
import {
  type StunCounters,
  type StunEnds,
  type StunInput,
  type StunPair,
  StunServer,
} from '../shared/core/stun/stun-server.ts'
import type { FleetKeys } from '../shared/crypto/fleet.ts'
import { StraightwayError } from '../shared/errors.ts'
import { addressOf, formatAddress, formatIp, isIpv4, parseAddress } from '../shared/wire/address.ts'
import { type DriverCounters, drive } from './drive.ts'
import type { Bind } from './socket.ts'

/** Another node's STUN service: `ip:port` of its primary port, and its alternate port at the same IP. */
export interface StunPartner {
  readonly address: string
  readonly alternatePort: number
}

export interface StartStunOptions {
  /** Literal address to bind. Port 0 lets the system choose. */
  readonly address: string
  readonly ports: readonly [primary: number, alternate: number]
  /** Address that clients see behind a 1:1 NAT, such as an elastic IP. Default: `address`. Required if that is a wildcard. */
  readonly publicAddress?: string
  readonly partner?: StunPartner
  /** Fleet keys, newest first. */
  readonly fleetKeys: FleetKeys
  /** Limits on responses that are longer than their requests: see `StunServerOptions`. */
  readonly longerPerSecond?: number
  readonly excessBytesPerSecond?: number
  readonly bind?: Bind
}

export interface Stun {
  /** Public addresses as published in the lease: `ip:port` of the primary and of the alternate port. */
  readonly addresses: readonly [primary: string, alternate: string]
  setPartner(partner: StunPartner | undefined): void
  setFleetKeys(fleetKeys: FleetKeys): void
  counters(): StunCounters & { readonly socket: DriverCounters }
  close(): Promise<void>
}

/** Starts the service. Rejects with `unavailable` if a port cannot be bound, and with `bad-request` if an address is invalid. */
export async function startStun(options: StartStunOptions): Promise<Stun> {
  const {
    address,
    ports,
    publicAddress = address,
    partner,
    fleetKeys,
    longerPerSecond,
    excessBytesPerSecond,
    bind,
  } = options
  if (!isOneAddress(publicAddress)) {
    throw new StraightwayError('bad-request', `STUN needs the address clients see, not ${publicAddress}`)
  }
  const server = new StunServer({
    partner: endsOf(partner),
    fleetKeys,
    seed: randomBytes(32),
    ...(longerPerSecond !== undefined && { longerPerSecond }),
    ...(excessBytesPerSecond !== undefined && { excessBytesPerSecond }),
  })
  const sockets = ports.map((port) => ({ host: address, port }))
  const driver = await drive<StunInput, never>(server, { sockets, ...(bind && { bind }) })
  const [primary, alternate] = driver.addresses.map(([bound]) => bound!.words[4]!)
  const own = [addressOf(publicAddress, primary!)!, addressOf(publicAddress, alternate!)!] as const
  driver.handle({ kind: 'own', own: byFamily(own) })
  return {
    addresses: [formatAddress(own[0].words), formatAddress(own[1].words)],
    setFleetKeys: (fleetKeys) => driver.handle({ kind: 'fleet-keys', fleetKeys }),
    setPartner: (next) => driver.handle({ kind: 'partner', partner: endsOf(next) }),
    counters: () => ({ ...server.counters, socket: driver.counters() }),
    close: () => driver.close(),
  }
}

function isOneAddress(ip: string): boolean {
  const words = addressOf(ip, 0)?.words
  return words !== undefined && !['0.0.0.0', '::'].includes(formatIp(words))
}

function endsOf(partner: StunPartner | undefined): StunEnds {
  if (partner === undefined) return {}
  const primary = parseAddress(partner.address)
  if (primary === undefined || !isOneAddress(formatIp(primary.words))) {
    throw new StraightwayError('bad-request', `${partner.address} is no address of a STUN partner`)
  }
  return byFamily([primary, addressOf(formatIp(primary.words), partner.alternatePort)!])
}

const byFamily = (pair: StunPair): StunEnds => (isIpv4(pair[0].words) ? { ipv4: pair } : { ipv6: pair })
