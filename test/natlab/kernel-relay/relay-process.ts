/**
 * A relay as a process of its own. It prints `{address}`, then a description of the path in use. For each line that it reads
 * it prints its counts. It ends when its standard input ends. Argument: options as JSON.
 */
import { createInterface } from 'node:readline'
import { startRelay } from '../../../udp-edge/relay.ts'
import { FLEET_KEY } from '../../udp-edge/relay-leg-under-test.ts'

const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`)
const relay = await startRelay({
  port: 3482,
  fleetKeys: [FLEET_KEY],
  kernel: { log: (what, why) => say({ what, why }) },
  ...(JSON.parse(process.argv[2]!) as { host: string; publicAddress: string }),
})
say({ address: relay.address })
createInterface({ input: process.stdin })
  .on('line', () => say(relay.counters()))
  .on('close', async () => {
    await relay.close()
    process.exit()
  })
