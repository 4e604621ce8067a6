/**
 * A kind of router as data, and the nftables ruleset that makes Linux behave like it. Interfaces are `wan` and `lan`. $WAN is
 * the outside address, $HOST the (first) host inside, and $SEED a number that changes when the router drops its mappings. nft
 * 1.0.6 requires every `}` on a line of its own.
 */
export type Dependence = 'independent' | 'address' | 'address-and-port'

export interface NatKind {
  readonly name: string
  /** True if the router translates. If false, hosts have public addresses that are routed to them. */
  readonly translates: boolean
  /** nftables sets of its table. */
  readonly sets?: string
  /** Rules for packets from either side, before routing. */
  readonly arriving?: string
  /** Rules for outbound packets: `leaving` records or drops them before translation, `translation` translates them. */
  readonly leaving?: string
  readonly translation?: string
  /** Rules that admit packets from outside to the inside. */
  readonly admission: string
  /** The same for IPv6. If absent, the site has no IPv6. */
  readonly ipv6?: string
  /** The host has no IPv4. */
  readonly ipv6Only?: true
  /**
   * Treatment of unsolicited packets for the router itself. If accepted, they find no socket: the router answers with an ICMP
   * error and records the flow, which poisons the port. nft's own `reject` leaves no entry (Linux 6.18), because its ICMP
   * error counts as the reply direction and confirms nothing.
   */
  readonly unsolicited: 'drop' | 'accept'
  /** Kernel settings of the router. */
  readonly settings?: readonly string[]
  /** Maximum age of a mapping in seconds, however much it is used. The map `given` then has its next port (expiry.py). */
  readonly expiresAfterS?: number
  /** The carrier's router, between this one and the core. */
  readonly carrier?: NatKind
  /** The port mapping protocol of its miniupnpd. */
  readonly maps?: 'upnp' | 'nat-pmp' | 'pcp'
  /** Set if both hosts are behind one router. `isolated` hosts reach each other only through its outside address. */
  readonly household?: 'together' | 'isolated'
  /** Number of container bridges on each host, the same ones on every host, made before its network. Default 0. */
  readonly bridges?: number
  /** First three bytes of the hosts' private addresses. Default: different ones on each side. */
  readonly subnet?: string
  /** Largest packet on the way to the outside, in bytes. A longer one is dropped without an error, in both directions. */
  readonly mtu?: number
  /**
   * Runs an HTTP proxy in the router, to all servers or to INDEX and the gateway only. The environment of the host's
   * processes names it (proxy.py).
   */
  readonly proxy?: 'to-all' | 'to-index'
  /** The router translates to a pool of POOL_SIZE addresses: `$POOL` is the range. */
  readonly pool?: true
  /** The expected findings of the oracle. */
  readonly expected: Expected
}

export interface Expected {
  /** False if no UDP gets out. Then nothing else can be found. */
  readonly udp: boolean
  readonly mapping: Dependence
  readonly filtering: Dependence
  /** True if the outside port equals the inside one. */
  readonly preserves: boolean
  /** Difference between the ports of successive flows of one socket. */
  readonly step?: number
  /** Range of the ports of fresh flows. */
  readonly range?: readonly [low: number, high: number]
  /** Maximum number that gets through of 200 flows started at the same time. */
  readonly burst?: number
  /** True if a packet sent from inside to a mapping of the same router arrives there. */
  readonly hairpin?: boolean
  /** Lifetime of an idle mapping after one packet, and after an exchange. */
  readonly idleS?: { readonly unreplied: number; readonly stream: number }
}

/** Number of carrier addresses that one subscriber may be seen at. */
export const POOL_SIZE = 4

export interface RouterAddresses {
  readonly wan: string
  /** `first-last` of the pool. */
  readonly pool: string
  readonly host: string
  readonly seed: number
}

/** Returns the whole ruleset of a router. Loading it again replaces the earlier one. */
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

/** Chain that does not tell the sender of a packet that it was too long. */
const SILENT = `chain told {
    type filter hook output priority 0; policy accept;
    icmp type destination-unreachable drop
  }`

/** Returns an IPv6 firewall as RFC 6092 asks of a home router. */
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
