/**
 * The pairs of the core matrix that at least one other system opens. Pairs of two symmetric NATs, which only Straightway
 * opens some, and pairs with blocked UDP are left out.
 */
import type { Pair } from '../../test/natlab/matrix.ts'
import type { KindName } from '../../test/natlab/nat-kinds.ts'

const EASY = [
  'open',
  'full-cone',
  'address-restricted',
  'port-restricted',
  'port-restricted-reject',
] as const satisfies readonly KindName[]

/** NATs that are symmetric in IPv4, unless a peer asks the router for a port mapping. */
const HARD = [
  'symmetric-sequential',
  'symmetric-block',
  'symmetric-random',
  'cgn-random',
  'ipv6-firewall',
  'upnp',
] as const satisfies readonly KindName[]

/** Each pair once. The asking side alternates from pair to pair. */
export const OPENED: readonly Pair[] = EASY.flatMap((one, at) =>
  [...EASY.slice(at), ...HARD].map((other): Pair => [one, other]),
).map(([one, other], i): Pair => (i % 2 === 0 ? [one, other] : [other, one]))
