import { execFileSync } from 'node:child_process'
import { describe, it } from 'vitest'

/** And the package of each. */
const TOOLS = {
  ip: 'iproute2',
  nft: 'nftables',
  conntrack: 'conntrack',
  python3: 'python3',
  turnutils_natdiscovery: 'coturn',
  miniupnpd: 'miniupnpd-nftables',
} as const

type Tool = keyof typeof TOOLS

const ALWAYS: readonly Tool[] = ['ip', 'nft', 'conntrack', 'python3']

/**
 * A group of tests that need real network namespaces. Elsewhere they are skipped, saying what they need; in continuous
 * integration (CI set) that is a failure, so that they cannot quietly stop running.
 */
export function laboratory(
  name: string,
  { tools = [] }: { tools?: readonly Tool[] },
  tests: () => void,
): void {
  const missing = missingHere([...ALWAYS, ...tools])
  if (missing === undefined) describe(name, tests)
  else if (process.env.CI) it(name, () => Promise.reject(new Error(missing)))
  else it.skip(`${name}: ${missing}`)
}

function missingHere(tools: readonly Tool[]): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux with network namespaces'
  if (process.getuid?.() !== 0) return 'needs root: sudo npm run test:natlab'
  const absent = tools.filter((tool) => !works('sh', '-c', `command -v ${tool}`))
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
