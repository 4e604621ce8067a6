/**
 * `npm run permissions -- -c environment=prod`: lists every call between the parts of a system, and whether the synthesised
 * policies allow it. Exits with 1 if one is not allowed. Needs no credentials. `--json` prints JSON.
 */
import { App } from 'aws-cdk-lib'
import { type Config, prefixOf } from './config.ts'
import { command, say, told } from './operate/arguments.ts'
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

if (import.meta.main)
  await command(async () => {
    const { config, flags } = await told({ flags: ['json'], environment: 'dev' })
    const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } })
    const judged = judge(createSystem(app, config), config)
    const lines = judged.map(
      ({ from, to, action, verdict }) => `${verdict.padEnd(12)}${from}  ${action}  ${to}`,
    )
    say(flags.has('json') ? JSON.stringify(judged) : lines.join('\n'))
    if (judged.some(({ verdict }) => verdict !== 'allowed')) process.exitCode = 1
  })
