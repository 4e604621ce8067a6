/** Chooses the relay of a tunnel from the leases of the fleet. */
import { type Grant, grantKey, sealGrant } from '../../crypto/grant.ts'
import type { Random } from '../../crypto/random.ts'
import type { FleetItem } from '../../directory.ts'
import type { NetworkId, NodeId } from '../../ids.ts'
import { type Address, isDiscardOnly, isIpv4, parseAddress } from '../../wire/address.ts'
import { NONCE_BYTES, type Relayed } from '../../wire/handshake.ts'
import type { Leg } from './leg.ts'

/**
 * Bonus for near relays, in units of load: a farther relay is preferred if its load is lower by this much. A relay in
 * another region is chosen only if those of this region are full.
 */
const NEARNESS = { sameNode: 0.3, sameNetwork: 0.15, otherRegion: -0.9 }
/** The nodes of a fleet in one place have addresses of one /16. */
const NETWORK_BITS = 16
/** How long a tunnel may bind its leg again without asking for another grant. */
const GRANT_MS = 3600_000

export interface Relay {
  readonly node: NodeId
  readonly addresses: readonly Address[]
  /** Load minus the bonus for nearness; the lowest is best. */
  readonly cost: number
}

/** Relays that accept tunnels, best first. `near`: this node, which is in the region of the offering peer. */
export function relaysOf(items: readonly FleetItem[], near: NodeId): readonly Relay[] {
  const own = items.find(({ node }) => node === near)
  const ownAddresses = Object.values(own?.addresses ?? {}).flatMap(parsed)
  const serving = items.filter(({ roles, draining }) => roles.includes('relay') && !draining)
  const relays = serving.map((item) => ({
    node: item.node,
    addresses: parsed(item.addresses.relay ?? []),
    cost: item.load - nearness(item, near, ownAddresses) - regionally(item.region, own?.region),
  }))
  return relays
    .filter(({ addresses }) => addresses.length > 0)
    .sort((a, b) => a.cost - b.cost || (a.node < b.node ? -1 : 1))
}

/**
 * The grant and key for binding a leg at this relay. Undefined if the relay has no address of the side's IP family. A
 * side whose datagrams are not carried over UDP has no family and reaches any address.
 */
export function inviteToRelay(
  { addresses }: Relay,
  { grant: { tunnel, leg, self, other, user }, session, seen }: Leg,
  network: NetworkId | undefined,
  fleetKey: Uint8Array,
  random: Random,
  wallNow: number,
): Relayed | undefined {
  const from = session?.address
  const relay = addresses.find(({ words }) => from !== undefined && reaches(from, words))
  if (relay === undefined) return undefined
  const expiresAt = wallNow + GRANT_MS
  const fields: Grant = { tunnel, leg, self, other, user, network, expiresAt, ...(seen && { from: seen }) }
  const grant = sealGrant(fleetKey, 'relay', fields, random.bytes(NONCE_BYTES))
  return { relay, grant, key: grantKey(fleetKey, 'relay', fields) }
}

const reaches = (from: Uint32Array, to: Uint32Array): boolean =>
  isDiscardOnly(from) || isIpv4(from) === isIpv4(to)

function nearness(item: FleetItem, near: NodeId, own: readonly Address[]): number {
  if (item.node === near) return NEARNESS.sameNode
  const shared = parsed(item.addresses.relay ?? []).some((one) =>
    own.some((other) => sameNetwork(one, other)),
  )
  return shared ? NEARNESS.sameNetwork : 0
}

/** No penalty if one of the regions is unknown. */
function regionally(region: string | undefined, own: string | undefined): number {
  const isElsewhere = region !== undefined && own !== undefined && region !== own
  return isElsewhere ? NEARNESS.otherRegion : 0
}

function sameNetwork({ words: a }: Address, { words: b }: Address): boolean {
  return isIpv4(a) && isIpv4(b) && a[3]! >>> NETWORK_BITS === b[3]! >>> NETWORK_BITS
}

const parsed = (texts: readonly string[]): readonly Address[] =>
  texts.map(parseAddress).filter((address) => address !== undefined)
