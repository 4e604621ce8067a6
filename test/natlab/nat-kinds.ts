/** The routers of the laboratory, by the names used in RFC 4787 and in the field. To add a kind, add an entry here. */
import type { Expected, NatKind } from './nat-kind.ts'

const ANSWERS = 'ct state established,related accept'
const MAPPED = `${ANSWERS}\n    ct status dnat accept`
const OUT = 'oifname "wan" meta l4proto udp'

const OPEN: NatKind = {
  name: 'open',
  translates: false,
  admission: 'accept',
  unsolicited: 'drop',
  expected: { udp: true, mapping: 'independent', filtering: 'independent', preserves: true },
}

/** The usual home router. Linux preserves the port, so it looks endpoint-independent. */
const PORT_RESTRICTED: NatKind = {
  name: 'port-restricted',
  translates: true,
  translation: 'oifname "wan" masquerade',
  admission: ANSWERS,
  unsolicited: 'drop',
  expected: { udp: true, mapping: 'independent', filtering: 'address-and-port', preserves: true },
}

const FULL_CONE: NatKind = {
  ...PORT_RESTRICTED,
  name: 'full-cone',
  arriving: 'iifname "wan" meta l4proto udp dnat to $HOST',
  admission: MAPPED,
  expected: { ...PORT_RESTRICTED.expected, filtering: 'independent' },
}

const ADDRESS_RESTRICTED: NatKind = {
  ...PORT_RESTRICTED,
  name: 'address-restricted',
  sets: `set contacted {
    type ipv4_addr . inet_service
    flags dynamic,timeout
    timeout 180s
  }`,
  leaving: 'iifname "lan" meta l4proto udp update @contacted { ip daddr . udp sport }',
  arriving: 'iifname "wan" ip saddr . udp dport @contacted dnat to $HOST',
  admission: MAPPED,
  expected: { ...PORT_RESTRICTED.expected, filtering: 'address' },
}

const EACH_FLOW: Expected = {
  udp: true,
  mapping: 'address-and-port',
  filtering: 'address-and-port',
  preserves: false,
}

const SYMMETRIC_RANDOM: NatKind = {
  ...PORT_RESTRICTED,
  name: 'symmetric-random',
  translation: `${OUT} masquerade fully-random`,
  expected: { ...EACH_FLOW, range: [1024, 65_535] },
}

/** A carrier that gives each subscriber a block of ports. */
const SYMMETRIC_BLOCK: NatKind = {
  ...PORT_RESTRICTED,
  name: 'symmetric-block',
  translation: `${OUT} masquerade to :20000-20511 fully-random`,
  expected: { ...EACH_FLOW, range: [20_000, 20_511] },
}

/** Allocates 2,000 ports in sequence, `step` apart, to successive flows. */
function sequential(name: string, step: number): NatKind {
  const ports = Array.from({ length: 2000 }, (_, i) => `${i} : ${40_000 + step * i}`).join(', ')
  return {
    ...PORT_RESTRICTED,
    name,
    translation: `${OUT} snat to $WAN : numgen inc mod 2000 map { ${ports} }`,
    expected: { ...EACH_FLOW, step },
  }
}

/** Uses one port for each pair of socket and destination address. */
const ADDRESS_DEPENDENT: NatKind = {
  ...PORT_RESTRICTED,
  name: 'address-dependent',
  translation: `${OUT} snat to $WAN : jhash ip saddr . udp sport . ip daddr mod 16384 seed $SEED offset 32768`,
  expected: { ...EACH_FLOW, mapping: 'address' },
}

/** Like some mobile carriers: a mapping ends 50 s after it was made, in spite of traffic. */
const ABSOLUTE_EXPIRY: NatKind = {
  ...PORT_RESTRICTED,
  name: 'absolute-expiry',
  sets: `map given {
    type inet_service : inet_service
  }`,
  translation: `${OUT} snat to $WAN : udp sport map @given
    ${OUT} snat to $WAN : jhash ip saddr . udp sport mod 16384 seed $SEED offset 32768`,
  expiresAfterS: 50,
  expected: { ...PORT_RESTRICTED.expected, preserves: false },
}

/** A symmetric NAT whose miniupnpd maps ports on request. */
function mapping(maps: 'upnp' | 'nat-pmp' | 'pcp'): NatKind {
  return { ...SYMMETRIC_RANDOM, name: maps, maps, admission: MAPPED }
}

/** No TLS to relays, so what a relay carries travels by UDP. */
const NO_TLS = 'iifname "lan" tcp dport 3483 drop'

/** A firewall that drops UDP to the port of one service. That service must be reached over UDP at a common port. */
function dropping(service: string, ports: string, base = PORT_RESTRICTED): NatKind {
  const leaving = `iifname "lan" udp dport ${ports} drop\n    ${NO_TLS}`
  return { ...base, name: `${service}-dropped`, leaving }
}

/** A firewall that lets UDP out to these ports only. The oracle's ports are not among them. */
function lettingOut(name: string, ports: string): NatKind {
  const expected = { ...PORT_RESTRICTED.expected, udp: false }
  const leaving = `iifname "lan" udp dport != ${ports} drop\n    ${NO_TLS}`
  return { ...PORT_RESTRICTED, name, leaving, expected }
}

/**
 * Drops packets longer than `mtu` silently, like a tunnel whose errors are filtered. The router clamps the TCP MSS, as such
 * routers do.
 */
function narrow(mtu: number): NatKind {
  const leaving = `tcp flags & syn == syn tcp option maxseg size set ${mtu - 40}`
  return { ...PORT_RESTRICTED, name: `narrow-${mtu}`, mtu, leaving }
}

/** Returns packets from inside to the router's outside address back inside, with that address as their source. */
const HAIRPIN: Partial<NatKind> = {
  sets: `map mapped {
    type inet_service : ipv4_addr
    flags dynamic,timeout
    timeout 180s
  }`,
  leaving: 'iifname "lan" oifname "wan" meta l4proto udp update @mapped { udp sport : ip saddr }',
  arriving: 'iifname "lan" ip daddr $WAN meta l4proto udp dnat to udp dport map @mapped',
  translation: 'iifname "lan" oifname "lan" ct status dnat snat to $WAN\n    oifname "wan" masquerade',
}

export const NAT_KINDS = {
  open: OPEN,
  'full-cone': FULL_CONE,
  'address-restricted': ADDRESS_RESTRICTED,
  'port-restricted': PORT_RESTRICTED,
  /** Rejects unsolicited packets and records them: an early packet costs the port. */
  'port-restricted-reject': { ...PORT_RESTRICTED, name: 'port-restricted-reject', unsolicited: 'accept' },
  'symmetric-sequential': sequential('symmetric-sequential', 1),
  'symmetric-sequential-2': sequential('symmetric-sequential-2', 2),
  'symmetric-block': SYMMETRIC_BLOCK,
  'symmetric-random': SYMMETRIC_RANDOM,
  'address-dependent': ADDRESS_DEPENDENT,
  'cgn-port-restricted': { ...PORT_RESTRICTED, name: 'cgn-port-restricted', carrier: PORT_RESTRICTED },
  'cgn-random': {
    ...PORT_RESTRICTED,
    name: 'cgn-random',
    carrier: SYMMETRIC_RANDOM,
    expected: SYMMETRIC_RANDOM.expected,
  },
  firewall: { ...OPEN, name: 'firewall', admission: ANSWERS, expected: PORT_RESTRICTED.expected },
  /** IPv4 is the hard case, as with many mobile carriers. A direct path therefore shows that IPv6 was used. */
  'ipv6-firewall': { ...SYMMETRIC_RANDOM, name: 'ipv6-firewall', ipv6: ANSWERS },
  /** No IPv4 at all. INDEX and the gateway, which have IPv4 here, are reached through a proxy. */
  'ipv6-only': {
    ...PORT_RESTRICTED,
    name: 'ipv6-only',
    ipv6: ANSWERS,
    ipv6Only: true,
    proxy: 'to-index',
    expected: { ...PORT_RESTRICTED.expected, udp: false },
  },
  'udp-blocked': {
    ...PORT_RESTRICTED,
    name: 'udp-blocked',
    leaving: 'meta l4proto udp drop',
    expected: { ...PORT_RESTRICTED.expected, udp: false },
  },
  'checkpoint-dropped': dropping('checkpoint', '3480'),
  'handshake-dropped': dropping('handshake', '3481'),
  'stun-dropped': dropping('stun', '{ 3478, 3479 }'),
  /** IPv4 is the hard case, so that a relay is needed. */
  'relay-dropped': dropping('relay', '3482', SYMMETRIC_RANDOM),
  /** DNS and conferencing ports only, a common rule in offices. */
  'conferencing-only': lettingOut('conferencing-only', '{ 53, 3478-3481 }'),
  'quic-only': lettingOut('quic-only', '443'),
  'proxy-only': {
    ...PORT_RESTRICTED,
    name: 'proxy-only',
    leaving: 'iifname "lan" drop',
    proxy: 'to-all',
    expected: { ...PORT_RESTRICTED.expected, udp: false },
  },
  'narrow-1280': narrow(1280),
  'narrow-1000': narrow(1000),
  /**
   * Linux chooses the address by source and destination, so all packets from one peer to another come from the same address.
   */
  'cgn-pool': {
    ...SYMMETRIC_RANDOM,
    name: 'cgn-pool',
    translation: `${OUT} snat to $POOL fully-random`,
    pool: true,
  },
  /** Both sides have the same private addresses and the same container bridge. */
  overlapping: { ...PORT_RESTRICTED, name: 'overlapping', subnet: '192.168.77', bridges: 1 },
  upnp: mapping('upnp'),
  'nat-pmp': mapping('nat-pmp'),
  pcp: mapping('pcp'),
  'short-timeout': {
    ...PORT_RESTRICTED,
    name: 'short-timeout',
    settings: [
      'net.netfilter.nf_conntrack_udp_timeout=15',
      'net.netfilter.nf_conntrack_udp_timeout_stream=35',
    ],
    expected: { ...PORT_RESTRICTED.expected, idleS: { unreplied: 15, stream: 35 } },
  },
  'absolute-expiry': ABSOLUTE_EXPIRY,
  'rate-limited': {
    ...PORT_RESTRICTED,
    name: 'rate-limited',
    leaving: 'iifname "lan" meta l4proto udp ct state new limit rate over 100/second burst 10 packets drop',
    expected: { ...PORT_RESTRICTED.expected, burst: 100 },
  },
  'same-nat': {
    ...PORT_RESTRICTED,
    name: 'same-nat',
    household: 'together',
    expected: { ...PORT_RESTRICTED.expected, hairpin: false },
  },
  /** Each host has the same container bridges, made before its network. */
  'same-nat-bridges': {
    ...PORT_RESTRICTED,
    name: 'same-nat-bridges',
    household: 'together',
    bridges: 20,
    expected: { ...PORT_RESTRICTED.expected, hairpin: false },
  },
  'same-nat-hairpin': {
    ...PORT_RESTRICTED,
    ...HAIRPIN,
    name: 'same-nat-hairpin',
    household: 'isolated',
    expected: { ...PORT_RESTRICTED.expected, hairpin: true },
  },
} as const satisfies Record<string, NatKind>

export type KindName = keyof typeof NAT_KINDS
