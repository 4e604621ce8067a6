/**
 * What the routers of the laboratory do, each kind a small piece of nftables and what the oracle must find of it. Interfaces
 * are `wan` and `lan`; $WAN is the outside address, $HOST the one host inside. nft 1.0.6 wants every `}` on a line of its
 * own.
 */
type Dependence = 'independent' | 'address' | 'address-and-port'

export interface NatKind {
  readonly name: string
  /** False: hosts have addresses of their own, routed to them. */
  readonly translates: boolean
  /** Sets of its table. */
  readonly sets?: string
  /** What comes from outside, before it is routed. */
  readonly arriving?: string
  /** What goes out: remembered before it is translated, and translated. */
  readonly remembering?: string
  readonly translation?: string
  /** What may come from outside to the inside. */
  readonly admission: string
  /**
   * What happens to packets for the router itself that nobody asked for. Only a router that accepts them is poisoned:
   * REJECT was found to leave no entry (Linux 6.18), as its ICMP error counts as the reply direction and confirms nothing.
   */
  readonly unsolicited: 'drop' | 'accept'
  readonly expected: {
    readonly mapping: Dependence
    readonly filtering: Dependence
    readonly preserves: boolean
  }
}

const ANSWERS = 'ct state established,related accept'
const MAPPED = `${ANSWERS}\n    ct status dnat accept`

const OPEN: NatKind = {
  name: 'open',
  translates: false,
  admission: 'accept',
  unsolicited: 'drop',
  expected: { mapping: 'independent', filtering: 'independent', preserves: true },
}

/** The usual home router: Linux keeps the port, so that it looks endpoint-independent. */
const PORT_RESTRICTED: NatKind = {
  name: 'port-restricted',
  translates: true,
  translation: 'oifname "wan" masquerade',
  admission: ANSWERS,
  unsolicited: 'drop',
  expected: { mapping: 'independent', filtering: 'address-and-port', preserves: true },
}

const FULL_CONE: NatKind = {
  ...PORT_RESTRICTED,
  name: 'full-cone',
  arriving: 'iifname "wan" meta l4proto udp dnat to $HOST',
  admission: MAPPED,
  expected: { mapping: 'independent', filtering: 'independent', preserves: true },
}

const ADDRESS_RESTRICTED: NatKind = {
  ...PORT_RESTRICTED,
  name: 'address-restricted',
  sets: `set contacted {
    type ipv4_addr . inet_service
    flags dynamic,timeout
    timeout 180s
  }`,
  remembering: 'iifname "lan" meta l4proto udp update @contacted { ip daddr . udp sport }',
  arriving: 'iifname "wan" ip saddr . udp dport @contacted dnat to $HOST',
  admission: MAPPED,
  expected: { mapping: 'independent', filtering: 'address', preserves: true },
}

const SYMMETRIC_RANDOM: NatKind = {
  ...PORT_RESTRICTED,
  name: 'symmetric-random',
  translation: 'oifname "wan" meta l4proto udp masquerade fully-random',
  expected: { mapping: 'address-and-port', filtering: 'address-and-port', preserves: false },
}

const SEQUENCE = Array.from({ length: 2000 }, (_, i) => `${i} : ${40_000 + i}`).join(', ')

const SYMMETRIC_SEQUENTIAL: NatKind = {
  ...SYMMETRIC_RANDOM,
  name: 'symmetric-sequential',
  translation: `oifname "wan" meta l4proto udp snat to $WAN : numgen inc mod 2000 map { ${SEQUENCE} }`,
}

export const NAT_KINDS = {
  open: OPEN,
  'full-cone': FULL_CONE,
  'address-restricted': ADDRESS_RESTRICTED,
  'port-restricted': PORT_RESTRICTED,
  /** A packet from outside that comes too early costs the port. */
  'port-restricted-exposed': { ...PORT_RESTRICTED, name: 'port-restricted-exposed', unsolicited: 'accept' },
  'symmetric-sequential': SYMMETRIC_SEQUENTIAL,
  'symmetric-random': SYMMETRIC_RANDOM,
} as const satisfies Record<string, NatKind>

/** The whole ruleset of a router, with its outside address and the address of the host inside. */
export function rulesetOf(
  kind: NatKind,
  { wan, host }: { readonly wan: string; readonly host: string },
): string {
  return `
define WAN = ${wan}
define HOST = ${host}
table ip router {
  ${kind.sets ?? ''}
  chain before {
    type nat hook prerouting priority dstnat; policy accept;
    ${kind.arriving ?? ''}
  }
  chain after {
    type nat hook postrouting priority srcnat; policy accept;
    ${kind.translation ?? ''}
  }
  chain own {
    type filter hook input priority 0; policy accept;
    iifname "wan" ct state established,related accept
    iifname "wan" ip protocol udp ${kind.unsolicited}
  }
  chain passing {
    type filter hook forward priority 0; policy drop;
    ${kind.remembering ?? ''}
    iifname "lan" accept
    ${kind.admission}
  }
}
`
}
