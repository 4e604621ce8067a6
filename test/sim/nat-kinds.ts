/** NATs by the names people know them by; each is one line of difference. Timeouts as Linux has them. */
import type { NatBehaviour } from './nat.ts'

const LOW_TIMEOUTS = { unrepliedMs: 30_000, streamMs: 120_000 }
const EPHEMERAL = { low: 32_768, high: 60_999 }

const FULL_CONE: NatBehaviour = {
  mapping: 'endpoint-independent',
  filtering: 'endpoint-independent',
  allocation: { kind: 'preserving' },
  hairpin: false,
  unsolicited: 'drop',
  ...LOW_TIMEOUTS,
}
const SYMMETRIC: NatBehaviour = {
  ...FULL_CONE,
  mapping: 'address-and-port-dependent',
  filtering: 'address-and-port-dependent',
}
const PORT_RESTRICTED: NatBehaviour = { ...FULL_CONE, filtering: 'address-and-port-dependent' }

export const NAT_KINDS = {
  'full-cone': FULL_CONE,
  'address-restricted': { ...FULL_CONE, filtering: 'address-dependent' },
  'port-restricted': PORT_RESTRICTED,
  /** Home routers on Linux: looks port-restricted until two inside hosts want the same. */
  linux: { ...SYMMETRIC, allocation: { kind: 'overloading' } },
  /** As `linux`, without a firewall before the router itself: an early packet from outside poisons it. */
  'linux-exposed': { ...SYMMETRIC, allocation: { kind: 'overloading' }, unsolicited: 'accept' },
  /** RFC 4787 all the way: endpoint-independent, port not preserved, hairpin. */
  'hairpin-cone': { ...PORT_RESTRICTED, allocation: { kind: 'random', ...EPHEMERAL }, hairpin: true },
  'symmetric-preserving': { ...SYMMETRIC, allocation: { kind: 'preserving' } },
  'symmetric-sequential': { ...SYMMETRIC, allocation: { kind: 'sequential', step: 1, ...EPHEMERAL } },
  /** The same at a carrier: its other customers take ports too. */
  'symmetric-busy': {
    ...SYMMETRIC,
    allocation: { kind: 'sequential', step: 1, ...EPHEMERAL, foreignPerSecond: 30 },
  },
  'symmetric-block': { ...SYMMETRIC, allocation: { kind: 'block', size: 512 } },
  /** A carrier that gives each customer so many ports. */
  'symmetric-chunk': { ...SYMMETRIC, allocation: { kind: 'block', size: 4096 } },
  'symmetric-random': { ...SYMMETRIC, allocation: { kind: 'random', low: 1024, high: 65_535 } },
  /** A carrier that maps by address only and ends every mapping within a minute. */
  'carrier-absolute': {
    ...PORT_RESTRICTED,
    mapping: 'address-dependent',
    allocation: { kind: 'random', low: 1024, high: 65_535 },
    absoluteMs: 60_000,
  },
} as const satisfies Record<string, NatBehaviour>

export type NatKind = keyof typeof NAT_KINDS
