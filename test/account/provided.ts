/** What the contract suite is told of the system that `run.ts` has deployed. */
import type { ProvidedContext } from 'vitest'
import type { TestProject } from 'vitest/node'

/** JSON of the `deployed` that test/functions/rest/open-index.ts reads. */
export const VARIABLE = 'STRAIGHTWAY_ACCOUNT_TEST'

export type Told = NonNullable<ProvidedContext['deployed']>

/** Rejects where nobody has deployed anything: `npm run test:account` does. */
export function setup(project: TestProject): void {
  const told = process.env[VARIABLE]
  if (!told) throw new Error(`${VARIABLE} is not set: run npm run test:account`)
  project.provide('deployed', JSON.parse(told) as Told)
}
