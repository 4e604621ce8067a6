import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Lab, SERVER_IPS } from './lab.ts'

const ORACLE = fileURLToPath(new URL('oracle.py', import.meta.url))

/** What the oracle found of the NAT of one side. */
export interface Finding {
  readonly mapping: string
  readonly filtering: string
  /** Outside port equal to the inside one. */
  readonly preserves: boolean
  /** A stranger's early packet cost the port. */
  readonly poisoned: boolean
}

/** The oracle's server, at the place of the server; lives as long as the laboratory. */
export async function startOracle(lab: Lab): Promise<(side: 'left' | 'right') => Promise<Finding>> {
  const server = lab.spawn('server', ['python3', ORACLE, 'serve', ...SERVER_IPS], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(server.stdout!, 'data')
  return async (side) => JSON.parse(await lab.run(side, ['python3', ORACLE, 'ask', ...SERVER_IPS]))
}
