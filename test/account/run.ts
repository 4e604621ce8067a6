/**
 * `npm run test:account`: tests a separate stage in the account of the environment's credentials. It takes about half an hour
 * and costs less than a dollar. It does the following:
 *
 * - runs preflight checks and deploys all four stacks
 * - runs the contract tests of INDEX
 * - plays the demo through the real nodes and relays, and prints measurements as one line of JSON
 * - destroys the stage, and fails if anything is left
 *
 * `-- --dry-run` creates a change set of every stack and executes none. It takes a minute and leaves nothing.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { prefixOf } from '../../infra/config.ts'
import { preflight } from '../../infra/preflight/preflight.ts'
import { playDemo } from '../../local/cloud/demo.ts'
import { deploy, destroy, dryRun, found, left, type Outputs, STAGE } from './account.ts'
import { type Told, VARIABLE } from './provided.ts'

const { values } = parseArgs({ options: { region: { type: 'string' }, 'dry-run': { type: 'boolean' } } })
const { AWS_REGION, AWS_DEFAULT_REGION } = process.env
const region = values.region ?? AWS_REGION ?? AWS_DEFAULT_REGION ?? 'us-east-1'
const print = (line: object) => void process.stdout.write(`${JSON.stringify(line)}\n`)

try {
  if (values['dry-run']) print({ ok: true, changeSets: await dryRun(region) })
  else await run()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}

async function run(): Promise<void> {
  const { findings } = await preflight(STAGE, region)
  const errors = findings.filter(({ level }) => level === 'error')
  if (errors.length > 0) throw new Error(errors.map(({ what, mend }) => `${what}\n  ${mend}`).join('\n'))
  const began = performance.now()
  const seconds = () => Math.round((performance.now() - began) / 1000)
  let tried: (Awaited<ReturnType<typeof tryOut>> & { deployedAfterSeconds: number }) | undefined
  try {
    const outputs = await deploy(region)
    const deployedAfterSeconds = seconds()
    tried = { deployedAfterSeconds, ...(await tryOut(outputs)) }
  } finally {
    await destroy(region)
  }
  const stays = await left(region)
  const ok = tried?.contract && tried.demo.ok && stays.length === 0
  print({ ok: ok === true, ...tried, destroyedAfterSeconds: seconds(), stays })
  if (!ok) process.exitCode = 1
}

async function tryOut({ index, gateway }: Outputs) {
  const adminKey = await found(region)
  const told: Told = { region, index, gateway, adminKey, tablePrefix: prefixOf(STAGE) }
  const contract = await holdsContract(told)
  return { contract, demo: await playDemo({ index }, adminKey) }
}

async function holdsContract(told: Told): Promise<boolean> {
  const root = join(import.meta.dirname, '../..')
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const child = spawn(process.execPath, [vitest, 'run', '--config', 'test/account/vitest.config.ts'], {
    cwd: root,
    env: { ...process.env, [VARIABLE]: JSON.stringify(told) },
    stdio: ['ignore', 2, 2],
  })
  const [code] = await once(child, 'exit')
  return code === 0
}
