/** Passes the system deployed by `run.ts` to the contract suite. */
import type { ProvidedContext } from 'vitest'
import type { TestProject } from 'vitest/node'

/** JSON of the `deployed` that test/functions/rest/open-index.ts reads. */
export const VARIABLE = 'STRAIGHTWAY_ACCOUNT_TEST'

export type Told = NonNullable<ProvidedContext['deployed']>

/** Fails if no system is deployed. `npm run test:account` deploys one. */
export function setup(project: TestProject): void {
  const told = process.env[VARIABLE]
  if (!told) throw new Error(`${VARIABLE} is not set: run npm run test:account`)
  project.provide('deployed', JSON.parse(told) as Told)
}
