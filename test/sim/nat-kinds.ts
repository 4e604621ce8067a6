/** NATs by their common names, each defined by its difference from another. Timeouts are those of Linux. */
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
  /** Linux home routers. They look port-restricted until two inside hosts want the same port for the same remote. */
  linux: { ...SYMMETRIC, allocation: { kind: 'overloading' } },
  /** Like `linux`, but no firewall protects the router itself, so an early packet from outside poisons a port. */
  'linux-exposed': { ...SYMMETRIC, allocation: { kind: 'overloading' }, unsolicited: 'accept' },
  /** The NAT that RFC 4787 recommends: endpoint-independent mapping, port not preserved, hairpinning. */
  'hairpin-cone': { ...PORT_RESTRICTED, allocation: { kind: 'random', ...EPHEMERAL }, hairpin: true },
  'symmetric-preserving': { ...SYMMETRIC, allocation: { kind: 'preserving' } },
  'symmetric-sequential': { ...SYMMETRIC, allocation: { kind: 'sequential', step: 1, ...EPHEMERAL } },
  /** Like `symmetric-sequential`, at a carrier whose other customers take ports too. */
  'symmetric-busy': {
    ...SYMMETRIC,
    allocation: { kind: 'sequential', step: 1, ...EPHEMERAL, foreignPerSecond: 30 },
  },
  'symmetric-block': { ...SYMMETRIC, allocation: { kind: 'block', size: 512 } },
  /** The same with port overloading, as Linux and many carriers' translators do with dependent mapping. */
  'symmetric-block-overloading': { ...SYMMETRIC, allocation: { kind: 'block', size: 512, overloads: true } },
  /** A carrier that gives each customer a block of 4096 ports. */
  'symmetric-chunk': { ...SYMMETRIC, allocation: { kind: 'block', size: 4096 } },
  'symmetric-random': { ...SYMMETRIC, allocation: { kind: 'random', low: 1024, high: 65_535 } },
  /** A carrier with address-dependent mapping that ends every mapping within a minute. */
  'carrier-absolute': {
    ...PORT_RESTRICTED,
    mapping: 'address-dependent',
    allocation: { kind: 'random', low: 1024, high: 65_535 },
    absoluteMs: 60_000,
  },
} as const satisfies Record<string, NatBehaviour>

export type NatKind = keyof typeof NAT_KINDS
