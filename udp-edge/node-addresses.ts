/** Where the services of a node are, as its lease says and bootstrap tells peers. */
import type { FleetItem } from '../shared/directory.ts'
import { addressOf, formatAddress, parseAddress } from '../shared/wire/address.ts'

/** `ip:port` of each, over IPv4 where there is IPv4. */
export interface Located {
  readonly checkpoint?: { readonly address: string }
  readonly handshake?: { readonly address: string }
  readonly stun?: { readonly addresses: readonly string[] }
  readonly relay?: { readonly address: string }
}

/**
 * The IPv6 address has the same ports. STUN is told of at one address: what it finds out is about NATs, and a pair of
 * nodes has to agree on the family.
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
