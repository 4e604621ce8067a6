/**
 * Functions and a gateway on this machine, beside an emulator that has the data stack and no APIs. The tables, their
 * streams and the keys are the deployed ones.
 */
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { StraightwayError } from '../../shared/errors.ts'
import { fleetKeysOf, ticketKeysOf } from '../../shared/secrets.ts'
import { createApiKeys } from '../../shared/store/api-keys.ts'
import { createClient } from '../../shared/store/client.ts'
import { readVersions } from '../../shared/store/secret-versions.ts'
import { startFunctions } from '../functions.ts'
import type { Secrets } from '../secrets.ts'
import { connection } from './cdk.ts'
import type { Apis } from './deployed.ts'
import { PREFIX } from './names.ts'

/**
 * Pause between reads of an idle stream. LocalStack handles tens of requests per second, and nine streams are polled
 * all the time.
 */
const IDLE_MS = 1_000

export async function startBeside(endpoint: string, log: (line: string) => void): Promise<Apis> {
  process.env.STRAIGHTWAY_TABLE_PREFIX = PREFIX
  const { region } = connection(endpoint)
  const client = createClient({ endpoint, region })
  const functions = await startFunctions({
    client,
    endpoint,
    region,
    idleMs: IDLE_MS,
    secrets: await readSecrets(endpoint),
    http: { host: '127.0.0.1', port: 0 },
    data: undefined,
    log,
  })
  return {
    index: functions.index,
    gateway: functions.websocket,
    async found() {
      const made = await createApiKeys(client).createFirst(Date.now())
      if (made !== undefined) return made.token
      throw new StraightwayError('conflict', 'The admin key was made and told before.')
    },
    async close() {
      await functions.close()
      client.destroy()
    },
  }
}

async function readSecrets(endpoint: string): Promise<Secrets> {
  const client = new SecretsManagerClient(connection(endpoint))
  const read = (name: string) => readVersions(client, `${PREFIX}${name}`)
  const [ticket, fleet] = await Promise.all([read('ticket-key'), read('fleet-key')])
  client.destroy()
  return { ticketKey: ticketKeysOf(ticket).signing, fleetKey: fleetKeysOf(fleet)[0]! }
}
