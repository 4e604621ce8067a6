/**
 * What one kind of router does, as data, and the nftables ruleset that makes Linux do it. Interfaces are `wan` and `lan`;
 * $WAN is the outside address, $HOST the (first) host inside, $SEED a number that changes when the router forgets. nft 1.0.6
 * wants every `}` on a line of its own.
 */
export type Dependence = 'independent' | 'address' | 'address-and-port'

export interface NatKind {
  readonly name: string
  /** False: hosts have addresses of their own, routed to them. */
  readonly translates: boolean
  /** Sets of its table. */
  readonly sets?: string
  /** What comes from either side, before it is routed. */
  readonly arriving?: string
  /** What goes out: remembered before it is translated, or not let out; and translated. */
  readonly leaving?: string
  readonly translation?: string
  /** What may come from outside to the inside. */
  readonly admission: string
  /** The same for IPv6. Without, the site has none. */
  readonly ipv6?: string
  /**
   * What happens to packets for the router itself that nobody asked for. Accepted, they find no socket: the router answers
   * with an ICMP error and remembers the flow, which is what poisons it. nft's own `reject` was found to leave no
   * entry (Linux 6.18), as its ICMP error counts as the reply direction and confirms nothing.
   */
  readonly unsolicited: 'drop' | 'accept'
  /** Kernel settings of the router. */
  readonly settings?: readonly string[]
  /** So long after it was made a mapping ends, however much it is used: the map `given` has its next port (expiry.py). */
  readonly expiresAfterS?: number
  /** A second router between this one and the core, of the carrier. */
  readonly carrier?: NatKind
  /** What its miniupnpd speaks. */
  readonly maps?: 'upnp' | 'nat-pmp' | 'pcp'
  /** Both hosts are behind one router: `isolated` ones reach each other only by way of its outside address. */
  readonly household?: 'together' | 'isolated'
  /** Number of bridges to containers that each host has, the same ones on every host, made before its network. Default 0. */
  readonly bridges?: number
  /** The first three bytes of the hosts' private addresses. Default: other ones on each side. */
  readonly subnet?: string
  /** Bytes that a packet may have on the way to the outside; a longer one disappears without an error, in both directions. */
  readonly mtu?: number
  /** An HTTP proxy in the router, which the environment of the host's processes names (proxy.py). */
  readonly proxy?: true
  /** The router translates to a pool of POOL_SIZE addresses: `$POOL` is the range. */
  readonly pool?: true
  /** What the oracle must find. */
  readonly expected: Expected
}

export interface Expected {
  /** False: nothing gets out. Then nothing else can be found. */
  readonly udp: boolean
  readonly mapping: Dependence
  readonly filtering: Dependence
  /** Outside port equal to the inside one. */
  readonly preserves: boolean
  /** Between the ports of one socket's flows, one after another. */
  readonly step?: number
  /** Where the ports of fresh flows lie. */
  readonly range?: readonly [low: number, high: number]
  /** Of 200 flows begun at once, at most so many get through. */
  readonly burst?: number
  /** What is sent from inside to a mapping of the same router arrives there. */
  readonly hairpin?: boolean
  /** A mapping lives this long after one packet, and after an exchange. */
  readonly idleS?: { readonly unreplied: number; readonly stream: number }
}

/** Addresses of a carrier that one subscriber may be seen at. */
export const POOL_SIZE = 4

export interface RouterAddresses {
  readonly wan: string
  /** `first-last` of the pool. */
  readonly pool: string
  readonly host: string
  readonly seed: number
}

/** The whole ruleset of a router; loaded again it replaces the one before. */
export function rulesetOf(kind: NatKind, { wan, pool, host, seed }: RouterAddresses): string {
  return `
define WAN = ${wan}
define HOST = ${host}
define POOL = ${pool}
table ip router {
}
delete table ip router
table ip router {
  ${kind.sets ?? ''}
  chain before {
    type nat hook prerouting priority dstnat; policy accept;
    ${kind.arriving ?? ''}
  }
  chain after {
    type nat hook postrouting priority srcnat; policy accept;
    ${(kind.translation ?? '').replaceAll('$SEED', String(seed))}
    ${kind.translates ? 'oifname "wan" meta l4proto != udp masquerade' : ''}
  }
  chain own {
    type filter hook input priority 0; policy accept;
    iifname "wan" ct state established,related accept
    iifname "wan" ip protocol udp ${kind.unsolicited}
  }
  ${kind.mtu === undefined ? '' : SILENT}
  chain passing {
    type filter hook forward priority 0; policy drop;
    ${kind.leaving ?? ''}
    iifname "lan" accept
    ${kind.admission}
  }
}
${kind.ipv6 === undefined ? '' : firewall6(kind.ipv6)}
`
}

/** The sender of a packet that is too long is not told. */
const SILENT = `chain told {
    type filter hook output priority 0; policy accept;
    icmp type destination-unreachable drop
  }`

/** As RFC 6092 wants it of a home router. */
const firewall6 = (admission: string): string => `
table ip6 router {
}
delete table ip6 router
table ip6 router {
  chain passing {
    type filter hook forward priority 0; policy drop;
    iifname "lan" accept
    meta l4proto ipv6-icmp accept
    ${admission}
  }
}
`
