/**
 * What the routers of the laboratory do, each kind a small piece of nftables and what the oracle must find of it. Interfaces
 * are `wan` and `lan`. nft 1.0.6 wants every `}` on a line of its own.
 */
export interface NatKind {
  readonly name: string
  /** False: hosts have addresses of their own, routed to them. */
  readonly translates: boolean
  /** Rules of the postrouting chain of a NAT. */
  readonly translation: string
  /** Rules of the forwarding chain for what comes from outside. */
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

type Dependence = 'independent' | 'address' | 'address-and-port'

const ANSWERS_ONLY = 'ct state established,related accept'

const OPEN: NatKind = {
  name: 'open',
  translates: false,
  translation: '',
  admission: 'accept',
  unsolicited: 'drop',
  expected: { mapping: 'independent', filtering: 'independent', preserves: true },
}

/** The usual home router: Linux keeps the port, so that it looks endpoint-independent. */
const PORT_RESTRICTED: NatKind = {
  name: 'port-restricted',
  translates: true,
  translation: 'oifname "wan" masquerade',
  admission: ANSWERS_ONLY,
  unsolicited: 'drop',
  expected: { mapping: 'independent', filtering: 'address-and-port', preserves: true },
}

const SYMMETRIC_RANDOM: NatKind = {
  ...PORT_RESTRICTED,
  name: 'symmetric-random',
  translation: 'oifname "wan" meta l4proto udp masquerade fully-random',
  expected: { mapping: 'address-and-port', filtering: 'address-and-port', preserves: false },
}

export const NAT_KINDS = {
  open: OPEN,
  'port-restricted': PORT_RESTRICTED,
  /** A packet from outside that comes too early costs the port. */
  'port-restricted-exposed': { ...PORT_RESTRICTED, name: 'port-restricted-exposed', unsolicited: 'accept' },
  'symmetric-random': SYMMETRIC_RANDOM,
} as const satisfies Record<string, NatKind>

/** The whole ruleset of a router. */
export function rulesetOf({ translation, admission, unsolicited }: NatKind): string {
  return `
table ip nat {
  chain pre {
    type nat hook prerouting priority dstnat; policy accept;
  }
  chain post {
    type nat hook postrouting priority srcnat; policy accept;
    ${translation}
  }
}
table ip filter {
  chain arriving {
    type filter hook input priority 0; policy accept;
    iifname "wan" ct state established,related accept
    iifname "wan" ip protocol udp ${unsolicited}
  }
  chain passing {
    type filter hook forward priority 0; policy drop;
    iifname "lan" accept
    ${admission}
  }
}
`
}
