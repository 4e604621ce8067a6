/** Compares the addresses in two profiles, to tell how the two networks are connected. */
import { type Address, formatIp, isIpv4, sameIp } from '../../wire/address.ts'
import type { CandidateKind, Profile } from '../../wire/profile.ts'

export function addressesOf(profile: Profile, kind: CandidateKind): readonly Address[] {
  return profile.candidates.filter((candidate) => candidate.kind === kind).map(({ address }) => address)
}

/** Mapped IPv4 addresses of the peer. */
export function publicAddresses(profile: Profile): readonly Address[] {
  return addressesOf(profile, 'reflexive').filter(({ words }) => isIpv4(words))
}

/** Addresses of its own interfaces within 2000::/3, without a NAT in between. */
export function globalIpv6Addresses(profile: Profile): readonly Address[] {
  return addressesOf(profile, 'host').filter(({ words }) => words[0]! >>> 29 === 1)
}

export function shareOne(a: readonly Address[], b: readonly Address[], same: typeof sameSubnet): boolean {
  return a.some((one) => b.some((other) => same(one, other)))
}

export function samePublicIp(a: Profile, b: Profile): boolean {
  return shareOne(publicAddresses(a), publicAddresses(b), (one, other) =>
    sameIp(one.words, 0, other.words, 0),
  )
}

/** Same /24 or /64, the usual size of a home or office network. A wrong guess costs a few packets. */
export function sameSubnet({ words: a }: Address, { words: b }: Address): boolean {
  if (isIpv4(a) !== isIpv4(b)) return false
  return isIpv4(a) ? a[3]! >>> 8 === b[3]! >>> 8 : a[0] === b[0] && a[1] === b[1]
}

/** Name of two networks, independent of their order: the technique that worked between them is remembered under it. */
export function networkPair(a: Profile, b: Profile): string | undefined {
  const [one, other] = [networkOf(a), networkOf(b)]
  if (one === undefined || other === undefined) return undefined
  return one < other ? `${one}|${other}` : `${other}|${one}`
}

function networkOf(profile: Profile): string | undefined {
  const address = publicAddresses(profile)[0] ?? globalIpv6Addresses(profile)[0]
  if (address === undefined) return undefined
  const { words } = address
  return isIpv4(words) ? formatIp(words) : `${formatIp(Uint32Array.of(words[0]!, words[1]!, 0, 0))}/64`
}
