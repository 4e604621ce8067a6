/** The requirements of the laboratory on a machine. */
import { execFileSync } from 'node:child_process'

/** Required tools, with the package of each. */
const TOOLS = {
  ip: 'iproute2',
  nft: 'nftables',
  conntrack: 'conntrack',
  sysctl: 'procps',
  ping: 'iputils-ping',
  python3: 'python3',
  turnutils_natdiscovery: 'coturn',
  miniupnpd: 'miniupnpd-nftables',
} as const

export type Tool = keyof typeof TOOLS

const ALWAYS: readonly Tool[] = ['ip', 'nft', 'conntrack', 'sysctl', 'python3', 'miniupnpd']

/** Returns what is missing on this machine; undefined if nothing is. */
export function missingHere(more: readonly Tool[] = []): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux with network namespaces'
  if (process.getuid?.() !== 0) return 'needs root (sudo)'
  const absent = [...ALWAYS, ...more].filter((tool) => !works('sh', '-c', `command -v ${tool}`))
  if (absent.length > 0) return `needs ${absent.map((tool) => `${tool} (package ${TOOLS[tool]})`).join(', ')}`
  return works('unshare', '-n', 'true') ? undefined : 'needs the right to make network namespaces'
}

function works(...[tool, ...args]: readonly [string, ...string[]]): boolean {
  try {
    execFileSync(tool, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
