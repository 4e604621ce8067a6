import { execFileSync } from 'node:child_process'
import { describe, it } from 'vitest'

const TOOLS = [
  ['ip', '-V'],
  ['nft', '--version'],
  ['conntrack', '--version'],
  ['python3', '--version'],
] as const

/**
 * A group of tests that need real network namespaces. Elsewhere they are skipped, saying what they need; in continuous
 * integration (CI set) that is a failure, so that they cannot quietly stop running.
 */
export function laboratory(name: string, tests: () => void): void {
  const missing = missingHere()
  if (missing === undefined) describe(name, tests)
  else if (process.env.CI) it(name, () => Promise.reject(new Error(missing)))
  else it.skip(`${name}: ${missing}`)
}

function missingHere(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux with network namespaces'
  if (process.getuid?.() !== 0) return 'needs root: sudo npm run test:natlab'
  const absent = TOOLS.filter(([tool, version]) => !works(tool, version)).map(([tool]) => tool)
  if (absent.length > 0) return `needs ${absent.join(', ')} (packages iproute2, nftables, conntrack, python3)`
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
