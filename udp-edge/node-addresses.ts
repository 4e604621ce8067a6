/** The addresses of a node's services, as its lease and bootstrap publish them. */
import type { FleetItem } from '../shared/directory.ts'
import { addressOf, formatAddress, parseAddress } from '../shared/wire/address.ts'

/** Addresses of the services, as `ip:port`: IPv4 if the node has it. */
export interface Located {
  readonly checkpoint?: { readonly address: string }
  readonly handshake?: { readonly address: string }
  readonly stun?: { readonly addresses: readonly string[] }
  readonly relay?: { readonly address: string }
}

/**
 * The addresses for the lease, over IPv4 and IPv6. The IPv6 address has the same ports. STUN has one address only: it
 * examines NATs, and a pair of nodes must use the same address family.
 */
export function addressesOf(located: Located, publicIpv6: string | undefined): FleetItem['addresses'] {
  const { checkpoint, handshake, stun, relay } = located
  const both = ({ address }: { readonly address: string }) => [address, ...overIpv6(address, publicIpv6)]
  return {
    ...(checkpoint && { checkpoint: both(checkpoint) }),
    ...(handshake && { handshake: both(handshake) }),
    ...(stun && { stun: stun.addresses }),
    ...(relay && { relay: both(relay) }),
  }
}

function overIpv6(address: string, publicIpv6: string | undefined): string[] {
  if (publicIpv6 === undefined) return []
  const port = parseAddress(address)!.words[4]!
  return [formatAddress(addressOf(publicIpv6, port)!.words)]
}
