/** Chooses the relay of a tunnel from the leases of the fleet. */
import type { FleetItem } from '../../directory.ts'
import type { NodeId } from '../../ids.ts'
import { type Address, isIpv4, parseAddress } from '../../wire/address.ts'

/** What being near is worth: a relay farther away is taken when it is this much less loaded. */
const NEARNESS = { sameNode: 0.3, sameNetwork: 0.15 }
/** A fleet's nodes in one place have addresses of one /16. */
const NETWORK_BITS = 16

export interface Relay {
  readonly node: NodeId
  readonly addresses: readonly Address[]
  /** 0 is best. */
  readonly cost: number
}

/** Those that take tunnels, the best first. `near`: this node. */
export function relaysOf(items: readonly FleetItem[], near: NodeId): readonly Relay[] {
  const own = items.find(({ node }) => node === near)
  const ownAddresses = Object.values(own?.addresses ?? {}).flatMap(parsed)
  const serving = items.filter(({ roles, draining }) => roles.includes('relay') && !draining)
  const relays = serving.map((item) => ({
    node: item.node,
    addresses: parsed(item.addresses.relay ?? []),
    cost: item.load - nearness(item, near, ownAddresses),
  }))
  return relays
    .filter(({ addresses }) => addresses.length > 0)
    .sort((a, b) => a.cost - b.cost || (a.node < b.node ? -1 : 1))
}

/** An address that a side with this one can send to. */
export function addressFor(relay: Relay, { words }: Address): Address | undefined {
  return relay.addresses.find((address) => isIpv4(address.words) === isIpv4(words))
}

function nearness(item: FleetItem, near: NodeId, own: readonly Address[]): number {
  if (item.node === near) return NEARNESS.sameNode
  const shared = parsed(item.addresses.relay ?? []).some((one) =>
    own.some((other) => sameNetwork(one, other)),
  )
  return shared ? NEARNESS.sameNetwork : 0
}

function sameNetwork({ words: a }: Address, { words: b }: Address): boolean {
  return isIpv4(a) && isIpv4(b) && a[3]! >>> NETWORK_BITS === b[3]! >>> NETWORK_BITS
}

const parsed = (texts: readonly string[]): readonly Address[] =>
  texts.map(parseAddress).filter((address) => address !== undefined)
