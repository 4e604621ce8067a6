/**
 * Decides which of the addresses in a peer's profile are tried. A peer could name anybody's addresses, so they are
 * compared with the addresses that it has proven: to the HANDSHAKE by its JOIN, to a CHECKPOINT by its sign-in.
 *
 *   reflexive, mapped   another port of a proven IP
 *   host                a proven IP; a private address, which is tried only by peers behind the same public one
 *                       (`techniques.ts`); a global IPv6 address in a proven /64, or at most MAX_UNPROVEN_IPV6 addresses
 *                       if no IPv6 address is proven
 *
 * Everything else is rejected: port 0, unspecified, loopback, link-local, multicast, broadcast, documentation and
 * reserved addresses, and IPv6 forms that embed an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo). Loopback and
 * documentation addresses are accepted only from a peer that was itself seen in such a network.
 */
import { type Address, isDiscardOnly, isIpv4, isLoopback, sameIp } from '../../wire/address.ts'
import type { Candidate } from '../../wire/profile.ts'

/** A host has a stable and a temporary address. */
const MAX_UNPROVEN_IPV6 = 2

/** Network, and bits of its prefix. */
const DOCUMENTATION: readonly (readonly [number, number])[] = [
  [0xc0000200, 24],
  [0xc6336400, 24],
  [0xcb007100, 24],
]
const PRIVATE: readonly (readonly [number, number])[] = [
  [0x0a000000, 8],
  [0x64400000, 10],
  [0xac100000, 12],
  [0xc0a80000, 16],
]
/** This network, loopback, link-local, protocol assignments, 6to4 relays, benchmarking, multicast, reserved and broadcast. */
const UNUSABLE: readonly (readonly [number, number])[] = [
  [0x00000000, 8],
  [0x7f000000, 8],
  [0xa9fe0000, 16],
  [0xc0000000, 24],
  [0xc0586300, 24],
  [0xc6120000, 15],
  [0xe0000000, 4],
  [0xf0000000, 4],
]
const IPV6_DOCUMENTATION = 0x20010db8
const TEREDO = 0x20010000
const SIX_TO_FOUR = 0x2002

/** The plausible candidates. `proven`: addresses that the peer has proven. */
export function plausible(
  candidates: readonly Candidate[],
  proven: readonly Address[],
): readonly Candidate[] {
  let unproven = 0
  return candidates.filter(({ kind, address }) => {
    if (address.words[4] === 0 || isDiscardOnly(address.words)) return false
    if (proven.some(({ words }) => sameIp(words, 0, address.words, 0))) return true
    if (kind !== 'host' || !isOrdinary(address, proven)) return false
    if (isPrivate(address) || isLoopback(address.words)) return true
    return isGlobalIpv6(address) && (isNear(address, proven) ?? unproven++ < MAX_UNPROVEN_IPV6)
  })
}

/** 10/8, 100.64/10, 172.16/12, 192.168/16; fc00::/7. */
export function isPrivate({ words }: Address): boolean {
  return isIpv4(words) ? isWithin(words[3]!, PRIVATE) : words[0]! >>> 25 === 0x7e
}

/**
 * True for a unicast address that a host may have. Loopback and documentation addresses need a proven one of that kind.
 */
function isOrdinary(address: Address, proven: readonly Address[]): boolean {
  const { words } = address
  if (isLoopback(words)) return proven.some((each) => isLoopback(each.words))
  if (isDocumentation(address) && !proven.some(isDocumentation)) return false
  if (isIpv4(words)) return !isWithin(words[3]!, UNUSABLE)
  return isGlobalIpv6(address) || isPrivate(address)
}

function isGlobalIpv6({ words }: Address): boolean {
  const isEmbedding = words[0] === TEREDO || words[0]! >>> 16 === SIX_TO_FOUR
  return !isIpv4(words) && words[0]! >>> 29 === 1 && !isEmbedding
}

/** True if it is in a proven /64; undefined if no IPv6 address is proven. */
function isNear({ words }: Address, proven: readonly Address[]): boolean | undefined {
  const ipv6 = proven.filter((each) => !isIpv4(each.words) && !isDiscardOnly(each.words))
  if (ipv6.length === 0) return undefined
  return ipv6.some((each) => each.words[0] === words[0] && each.words[1] === words[1])
}

const isDocumentation = ({ words }: Address): boolean =>
  isIpv4(words) ? isWithin(words[3]!, DOCUMENTATION) : words[0] === IPV6_DOCUMENTATION

const isWithin = (ip: number, networks: readonly (readonly [number, number])[]): boolean =>
  networks.some(([network, bits]) => (ip ^ network) >>> (32 - bits) === 0)
