/**
 * `npm run preflight -- -c environment=prod`: checks whether the account is ready for `cdk deploy`, and prints a fix for each
 * problem. It changes nothing. `--json` prints JSON. Exits with 1 if the deployment would fail.
 */
import { command, say, told } from '../operate/arguments.ts'
import { preflight, type Report } from './preflight.ts'

await command(async () => {
  const { config, region, flags } = await told({ flags: ['json'], environment: 'dev' })
  const report = await preflight(config, region)
  say(flags.has('json') ? JSON.stringify(report) : textOf(report))
  if (report.findings.some(({ level }) => level === 'error')) process.exitCode = 1
})

function textOf({ account = 'unknown', regions, findings }: Report): string {
  const lines = findings.map(
    ({ level, check, region, what, mend }) =>
      `${level.padEnd(8)}${check} (${region}): ${what}\n        ${mend}`,
  )
  return [`Account ${account}, ${regions.join(' and ')}`, ...(lines.length ? lines : ['Ready.'])].join('\n')
}
