import { describe, it } from 'vitest'
import { missingHere, type Tool } from './needs.ts'

/**
 * A group of tests that need real network namespaces. Elsewhere they are skipped, saying what they need; in continuous
 * integration (CI set) that is a failure, so that they cannot quietly stop running.
 */
export function laboratory(
  name: string,
  { tools = [] }: { tools?: readonly Tool[] },
  tests: () => void,
): void {
  const missing = missingHere(tools)
  if (missing === undefined) describe(name, tests)
  else if (process.env.CI) it(name, () => Promise.reject(new Error(missing)))
  else it.skip(`${name}: ${missing}`)
}
