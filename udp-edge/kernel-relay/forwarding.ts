/**
 * Switches the kernel's packet forwarding on and off. The kernel forwards a packet only if forwarding is enabled on the
 * interface by which the packet arrived.
 *
 * - If the host is a router already, nothing is changed.
 * - Otherwise forwarding is enabled on the relay's interfaces. A guard, an nftables table, drops all forwarded packets except
 *   those that a relay has marked, so the host does not become a router.
 * - The guard outlives this process. If the process is killed, forwarding stays on and the guard drops everything. The next
 *   relay reuses the guard. The last relay to close removes it and disables forwarding.
 *
 * IPv6 forwarding on a single interface needs Linux 6.17 (`force_forwarding`). Enabling it on all interfaces would make the
 * host ignore router advertisements. So with an older kernel, IPv6 pairs are forwarded only by hosts that are routers.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { FORWARD_MARK } from '../../shared/forward-mark.ts'
import { type Family, IPV4 } from './rules.ts'

const GUARD = 'inet straightway_guard'
/** Timeout of an nft command. It takes a few milliseconds, in which the relay forwards nothing. */
const NFT_MS = 1000
const SWITCHES = {
  ip: { all: 'ipv4/conf/all/forwarding', one: (name: string) => `ipv4/conf/${name}/forwarding` },
  ip6: { all: 'ipv6/conf/all/forwarding', one: (name: string) => `ipv6/conf/${name}/force_forwarding` },
} as const

/** Enables forwarding. True if packets of the family that arrive by these interfaces are forwarded now. Throws system errors. */
export function enableForwarding(family: Family, interfaces: readonly string[]): boolean {
  const { all, one } = SWITCHES[family.name]
  if (read(all) === '1') return true
  const off = interfaces.filter((name) => read(one(name)) !== '1')
  if (off.some((name) => read(one(name)) === undefined)) return false
  if (off.length === 0 && !isGuarded(family)) return true
  guard(family)
  for (const name of off) write(one(name), '1')
  return true
}

/** Disables forwarding and removes the guard, unless another relay is running on this host. */
export function disableForwarding(family: Family, interfaces: readonly string[]): void {
  if (!isGuarded(family) || tables().includes(`table ${family.name} straightway_relay_`)) return
  for (const name of interfaces)
    if (read(SWITCHES[family.name].one(name)) === '1') write(SWITCHES[family.name].one(name), '0')
  nft(`delete table ${GUARD}_${family.name}`)
}

function guard({ name }: Family): void {
  const table = `${GUARD}_${name}`
  const protocol = `meta nfproto ${name === IPV4.name ? 'ipv4' : 'ipv6'}`
  const redirect = name === IPV4.name ? 'icmp type redirect' : 'icmpv6 type nd-redirect'
  nft(
    [
      `add table ${table}`,
      `flush table ${table}`,
      `add chain ${table} through { type filter hook forward priority raw; policy accept; }`,
      `add rule ${table} through ${protocol} meta mark & 0xffff0000 != 0x${FORWARD_MARK.toString(16)} drop`,
      // If a packet leaves by the interface it arrived by, the kernel sends an ICMP redirect to the sender.
      `add chain ${table} out { type filter hook output priority raw; policy accept; }`,
      `add rule ${table} out ${redirect} drop`,
    ].join('\n'),
  )
}

function isGuarded({ name }: Family): boolean {
  return tables().includes(`table ${GUARD}_${name}\n`)
}

function tables(): string {
  return nft('list tables')
}

/** Runs nft synchronously, because an exiting process cannot wait for promises. Throws if nft fails or exceeds the timeout. */
function nft(commands: string): string {
  return execFileSync('nft', ['-f', '-'], {
    ...{ input: commands, encoding: 'utf8', stdio: 'pipe' },
    ...{ timeout: NFT_MS, killSignal: 'SIGKILL' },
  })
}

/** Value of a kernel setting; undefined if this kernel does not have it. */
function read(path: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/net/${path}`, 'utf8').trim()
  } catch {
    return undefined
  }
}

function write(path: string, value: string): void {
  writeFileSync(`/proc/sys/net/${path}`, value)
}
