/**
 * `npm run preflight -- -c environment=prod`: checks whether the account is ready for `cdk deploy`, and prints a fix for each
 * problem. It changes nothing. `--json` prints JSON. Exits with 1 if the deployment would fail.
 */
import { parseArgs } from 'node:util'
import { environment } from '../environments.ts'
import { preflight, type Report } from './preflight.ts'

const { values } = parseArgs({
  options: {
    context: { type: 'string', short: 'c', default: 'environment=dev' },
    region: { type: 'string' },
    json: { type: 'boolean' },
  },
})
const { AWS_REGION, AWS_DEFAULT_REGION } = process.env
const region = values.region ?? AWS_REGION ?? AWS_DEFAULT_REGION ?? 'us-east-1'
const report = await preflight(environment(values.context.replace('environment=', '')), region)
process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : `${textOf(report)}\n`)
if (report.findings.some(({ level }) => level === 'error')) process.exitCode = 1

function textOf({ account = 'unknown', regions, findings }: Report): string {
  const lines = findings.map(
    ({ level, check, region, what, mend }) =>
      `${level.padEnd(8)}${check} (${region}): ${what}\n        ${mend}`,
  )
  return [`Account ${account}, ${regions.join(' and ')}`, ...(lines.length ? lines : ['Ready.'])].join('\n')
}
