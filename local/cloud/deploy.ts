/**
 * `npm run deploy:local`: the data and api stacks in the emulator at AWS_ENDPOINT_URL, or in one that it starts itself, and
 * nodes as processes of this machine that register there. Runs until it is interrupted; then the stacks are destroyed, and
 * the emulator ends if it was started here.
 */
import { once } from 'node:events'
import { deployTo, found } from './deployed.ts'
import { startEmulator } from './emulator.ts'
import { startNodes } from './nodes.ts'

const log = (line: string) => void process.stderr.write(`${line}\n`)
const { AWS_ENDPOINT_URL } = process.env
const emulator = AWS_ENDPOINT_URL
  ? { endpoint: AWS_ENDPOINT_URL, close: async () => {} }
  : await startEmulator(log)
const interrupted = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
try {
  const deployed = await deployTo(emulator.endpoint, log)
  const { endpoint, index, gateway, cdk } = deployed
  const nodes = await startNodes(deployed, log)
  const adminKey = await found(endpoint).catch((error: Error) => error.message)
  process.stdout.write(`${JSON.stringify({ endpoint, index, gateway, adminKey, nodes: nodes.ready })}\n`)
  await interrupted
  await nodes.close()
  log('cdk destroy --all')
  await cdk.destroy()
  cdk.close()
} finally {
  await emulator.close()
}
