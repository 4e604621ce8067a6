/**
 * `npm run permissions -- -c environment=prod`: lists every call between the parts of a system, and whether the synthesised
 * policies allow it. Exits with 1 if one is not allowed. Needs no credentials. `--json` prints JSON.
 */

import { parseArgs } from 'node:util'
import { App } from 'aws-cdk-lib'
import { type Config, prefixOf } from './config.ts'
import { environment } from './environments.ts'
import { Account } from './permission/account.ts'
import { type Arrow, arrowsOf } from './permission/arrows.ts'
import type { Verdict } from './permission/evaluate.ts'
import { resolved } from './permission/resolve.ts'
import { createSystem, type System, stacksOf } from './system.ts'

export interface Judged extends Arrow {
  readonly verdict: Verdict
}

export function judge(system: System, config: Pick<Config, 'name'>): Judged[] {
  const account = new Account(resolved(stacksOf(system)))
  return arrowsOf(account, prefixOf(config)).map((arrow) => ({ ...arrow, verdict: account.decide(arrow) }))
}

if (import.meta.main) {
  const options = {
    context: { type: 'string', short: 'c', default: 'environment=dev' },
    json: { type: 'boolean' },
  } as const
  const { values } = parseArgs({ options })
  const config = environment(values.context.replace('environment=', ''))
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } })
  const judged = judge(createSystem(app, config), config)
  const lines = judged.map(
    ({ from, to, action, verdict }) => `${verdict.padEnd(12)}${from}  ${action}  ${to}`,
  )
  process.stdout.write(values.json ? `${JSON.stringify(judged)}\n` : `${lines.join('\n')}\n`)
  if (judged.some(({ verdict }) => verdict !== 'allowed')) process.exitCode = 1
}
