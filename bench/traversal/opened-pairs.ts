/** The pairs of the core that somebody opens: two symmetric NATs, of which only we open some, and blocked UDP are left out. */
import type { Pair } from '../../test/natlab/matrix.ts'
import type { KindName } from '../../test/natlab/nat-kinds.ts'

const EASY = [
  'open',
  'full-cone',
  'address-restricted',
  'port-restricted',
  'port-restricted-reject',
] as const satisfies readonly KindName[]

/** Symmetric in IPv4, for who does not ask the router for a port. */
const HARD = [
  'symmetric-sequential',
  'symmetric-block',
  'symmetric-random',
  'cgn-random',
  'ipv6-firewall',
  'upnp',
] as const satisfies readonly KindName[]

/** Each pair once; who asks changes from pair to pair. */
export const OPENED: readonly Pair[] = EASY.flatMap((one, at) =>
  [...EASY.slice(at), ...HARD].map((other): Pair => [one, other]),
).map(([one, other], i): Pair => (i % 2 === 0 ? [one, other] : [other, one]))
