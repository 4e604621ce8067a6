/**
 * The kernel forwards a packet only where the interface that it came in by is told to. Where the host is a router already,
 * nothing is changed. Elsewhere forwarding is switched on for the relay's interfaces, and a guard lets nothing through but
 * what a relay has marked, so the host still is no router. The guard outlives this process: if that is killed, forwarding
 * stays on and nothing passes. The next relay finds it; the last to close takes it away and switches forwarding off.
 *
 * IPv6 forwarding of one interface needs Linux 6.17 (`force_forwarding`): forwarding on all interfaces would make
 * the host ignore router advertisements. Before that an IPv6 pair is forwarded only by hosts that are routers.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { FORWARD_MARK } from '../../shared/forward-mark.ts'
import { type Family, IPV4 } from './rules.ts'

const GUARD = 'inet straightway_guard'
/** It takes a few milliseconds. The relay forwards nothing meanwhile, so it does not wait for long. */
const NFT_MS = 1000
const SWITCHES = {
  ip: { all: 'ipv4/conf/all/forwarding', one: (name: string) => `ipv4/conf/${name}/forwarding` },
  ip6: { all: 'ipv6/conf/all/forwarding', one: (name: string) => `ipv6/conf/${name}/force_forwarding` },
} as const

/** True where packets of the family that come in by these interfaces are forwarded now. Throws what the system said. */
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

/** Undoes it, unless another relay of this host is at work. */
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
      // A packet that leaves by the interface it came in by makes the kernel tell its sender of a shorter way.
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

/** Synchronous, as a process that ends waits for nothing else. Throws what nft said, or that it took too long. */
function nft(commands: string): string {
  return execFileSync('nft', ['-f', '-'], {
    ...{ input: commands, encoding: 'utf8', stdio: 'pipe' },
    ...{ timeout: NFT_MS, killSignal: 'SIGKILL' },
  })
}

/** Undefined where this kernel has no such switch. */
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
