import type { FleetItem } from '../shared/directory.ts'
import type { NodeId } from '../shared/ids.ts'
import { parseAddress } from '../shared/wire/address.ts'
import type { StunPartner } from './stun.ts'

/**
 * Who a node without a fixed partner pairs with: the next one by id that serves STUN in its region, the first after the last;
 * of another region where it is alone in its own. Everybody who sees the same fleet chooses alike, and one that comes or goes
 * changes the partner of one other.
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
