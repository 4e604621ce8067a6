/**
 * The nftables commands of a relay, and the parsing of listings. Each address family of a relay has one table:
 *
 *   prerouting    whatever comes to the relay's port from the address of a leg, and is no control message, gets the address of
 *                 the other leg as its destination; conntrack does not see it
 *   postrouting   it leaves with the relay's own address as its source
 *
 * No other packet matches, so all others pass as if the table did not exist. A packet mark connects the two chains. The
 * process that creates the table owns it, so the kernel removes the table when that process ends for any reason.
 */
import { FORWARD_MARK } from '../../shared/forward-mark.ts'
import { RELAY_PREFIX } from '../../shared/wire/numbers.ts'

const PREFIX = `0x${Buffer.from(RELAY_PREFIX).toString('hex')}`
/** The nftables expression for the first bytes of the UDP payload, as many as the prefix has. */
const PAYLOAD = `@th,64,${RELAY_PREFIX.length * 8}`

export interface Family {
  readonly name: 'ip' | 'ip6'
  /** Bytes of the IP and UDP headers. */
  readonly headerBytes: number
  /** nftables match for packets that are not fragments, so that their UDP header is complete. */
  readonly unfragmented: string
}

export const IPV4: Family = { name: 'ip', headerBytes: 28, unfragmented: 'ip frag-off & 0x3fff == 0' }
export const IPV6: Family = { name: 'ip6', headerBytes: 48, unfragmented: 'ip6 nexthdr udp' }

/** An address at which a relay is reached. */
export interface RelayPlace {
  readonly family: Family
  readonly ip: string
  readonly port: number
  /** Interfaces by which its packets arrive. Packets that arrive by others are left to the process. */
  readonly interfaces: readonly string[]
}

export function tableOf({ family, port }: Pick<RelayPlace, 'family' | 'port'>): string {
  return `${family.name} straightway_relay_${port}`
}

/** The commands that create a relay's table, in order. Each is its own transaction. */
export function tableRules(place: RelayPlace): string[] {
  const { family, ip, port, interfaces } = place
  const { name, unfragmented } = family
  const table = tableOf(place)
  const leg = `typeof ${name} saddr . udp sport`
  const from = `${name} saddr . udp sport`
  const mark = `0x${(FORWARD_MARK + port).toString(16)}`
  const inward = `iifname { ${interfaces.map((each) => `"${each}"`).join(', ')} }`
  return [
    `add table ${table} { flags owner; }`,
    `add map ${table} address { ${leg} : ${name} daddr; counter; }`,
    `add map ${table} port { ${leg} : udp dport; }`,
    `add set ${table} muted { ${leg}; counter; }`,
    `add counter ${table} sent`,
    `add chain ${table} arrived { type filter hook prerouting priority raw; policy accept; }`,
    `add chain ${table} leg`,
    `add chain ${table} leaving { type filter hook postrouting priority raw; policy accept; }`,
    `add rule ${table} leg ${from} @muted drop`,
    `add rule ${table} leg ${name} daddr set ${from} map @address udp dport set ${from} map @port meta mark set ${mark} notrack accept`,
    `add rule ${table} leaving meta mark ${mark} ${name} saddr set ${ip} udp sport set ${port} counter name sent accept`,
    `add rule ${table} arrived ${inward} ${name} daddr ${ip} ${unfragmented} udp dport ${port} ${PAYLOAD} != ${PREFIX} goto leg`,
  ]
}

/** One leg of a pair: packets from `from` are forwarded to `to`. Both are in nftables' format, `ip . port`. */
export interface LegKeys {
  readonly from: string
  readonly to: string
}

export function addLegs(table: string, legs: readonly LegKeys[]): string[] {
  return [
    `add element ${table} port { ${legs.map(({ from, to }) => `${from} : ${partsOf(to).port}`).join(', ')} }`,
    `add element ${table} address { ${legs.map(({ from, to }) => `${from} : ${partsOf(to).ip}`).join(', ')} }`,
  ]
}

export function removeLegs(table: string, keys: readonly string[]): string[] {
  const list = keys.join(', ')
  return [`delete element ${table} address { ${list} }`, `delete element ${table} port { ${list} }`]
}

export interface Counted {
  /** Address in nftables' format: `ip . port`. */
  readonly key: string
  readonly packets: number
  /** Bytes, including IP and UDP headers. */
  readonly bytes: number
}

/** The counters in the listing of a map or set. */
export function countersIn(listing: string): Counted[] {
  return [...listing.matchAll(/(\S+) \. (\d+) counter packets (\d+) bytes (\d+)/g)].map(
    ([, ip, port, packets, bytes]) => ({
      key: `${ip} . ${port}`,
      packets: Number(packets),
      bytes: Number(bytes),
    }),
  )
}

/** The number of packets in the listing of the counter `sent`. */
export function sentIn(listing: string): number {
  return Number(/packets (\d+)/.exec(listing)?.[1] ?? 0)
}

function partsOf(key: string): { readonly ip: string; readonly port: string } {
  const [ip, port] = key.split(' . ')
  return { ip: ip!, port: port! }
}
