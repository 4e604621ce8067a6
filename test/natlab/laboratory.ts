import { describe, it } from 'vitest'
import { missingHere, type Tool } from './needs.ts'

/**
 * A group of tests that need real network namespaces. If those are missing, the tests are skipped with a message that says
 * what they need. In continuous integration (CI set) that is a failure, so that they cannot silently stop running.
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
