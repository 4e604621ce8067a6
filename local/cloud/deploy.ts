/**
 * `npm run deploy:local`: deploys the system to an emulator of AWS and plays the demo on it.
 *
 * - The data and api stacks go to the emulator at AWS_ENDPOINT_URL, or to one that it starts itself.
 * - The nodes are processes of this machine that register there.
 * - It runs until it is interrupted, or with `--once` until the demo is over.
 * - At the end it destroys the stacks, and ends the emulator if it started it.
 */
import { once } from 'node:events'
import { Command, Option } from 'commander'
import { playDemo } from './demo.ts'
import { deployTo } from './deployed.ts'
import { type EmulatorName, installEmulator, startEmulator } from './emulator.ts'
import { startNodes } from './nodes.ts'

const flags = new Command('npm run deploy:local --')
  .description('The system in an emulator of AWS, as `cdk deploy` puts it into an account.')
  .addOption(
    new Option('--on <emulator>', 'which is started if AWS_ENDPOINT_URL names none')
      .choices(['ministack', 'localstack'])
      .default('ministack'),
  )
  .option('--once', 'end when the demo is over')
  .option('--if-available', 'say so and end well if the emulator cannot be installed here')
  .parse()
  .opts<{ on: EmulatorName; once?: true; ifAvailable?: true }>()
const log = (line: string) => void process.stderr.write(`${line}\n`)
const { AWS_ENDPOINT_URL } = process.env
if (flags.ifAvailable && !AWS_ENDPOINT_URL) {
  try {
    installEmulator(log, flags.on)
  } catch (error) {
    log(`Skipped: ${(error as Error).message}`)
    process.exit(0)
  }
}
const emulator = AWS_ENDPOINT_URL
  ? { endpoint: AWS_ENDPOINT_URL, close: async () => {} }
  : await startEmulator(log, flags.on)
const interrupted = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
try {
  const deployed = await deployTo(emulator.endpoint, log)
  const { endpoint, stacks, index, gateway, cdk } = deployed
  const nodes = await startNodes(deployed, log)
  log('npm run demo')
  const founding = await deployed.found().catch((error: Error) => error)
  const demo = founding instanceof Error ? undefined : await playDemo(deployed, founding)
  if (demo?.ok === false) process.exitCode = 1
  const adminKey = founding instanceof Error ? founding.message : founding
  process.stdout.write(
    `${JSON.stringify({ endpoint, stacks, index, gateway, adminKey, nodes: nodes.ready, demo })}\n`,
  )
  if (!flags.once) await interrupted
  await nodes.close()
  await deployed.close()
  log(`cdk destroy ${stacks.join(' ')}`)
  await cdk.destroy(stacks)
  cdk.close()
} finally {
  await emulator.close()
}
