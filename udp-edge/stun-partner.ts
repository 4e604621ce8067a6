import type { FleetItem } from '../shared/directory.ts'
import type { NodeId } from '../shared/ids.ts'
import { parseAddress } from '../shared/wire/address.ts'
import type { StunPartner } from './stun.ts'

/**
 * The STUN partner of a node that has no fixed one: the node with the next id, cyclically, that serves STUN in the same
 * region. If there is none in the region, nodes of other regions count.
 *
 * Nodes that see the same fleet choose consistently, and a node that joins or leaves changes the partner of one other node.
 */
export function stunPartnerOf(own: NodeId, fleet: readonly FleetItem[]): StunPartner | undefined {
  const region = fleet.find(({ node }) => node === own)?.region
  const all = fleet
    .filter(({ node, draining, addresses }) => node !== own && !draining && addresses.stun?.length === 2)
    .sort((a, b) => (a.node < b.node ? -1 : 1))
  const near = all.filter((item) => item.region === region)
  const others = near.length > 0 ? near : all
  const next = others.find(({ node }) => node > own) ?? others[0]
  const [address = '', alternate = ''] = next?.addresses.stun ?? []
  const port = parseAddress(alternate)?.words[4]
  return port === undefined ? undefined : { address, alternatePort: port }
}
