/**
 * What a deployed function does before its handler is called: fetches its keys and puts them into the environment, where
 * the code of functions reads them. So keys are never part of a function's configuration; the files beside this one are
 * the functions that need some.
 *
 *   TICKET_SECRET   ARN: becomes TICKET_KEY and TICKET_KEYS
 *   FLEET_SECRET    ARN: becomes FLEET_KEY
 */
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { fleetKeysOf, ticketKeysOf } from '../../shared/secrets.ts'
import { readVersions } from '../../shared/store/secret-versions.ts'

const { TICKET_SECRET, FLEET_SECRET } = process.env
const client = new SecretsManagerClient()

if (TICKET_SECRET) {
  const { signing, others } = ticketKeysOf(await readVersions(client, TICKET_SECRET))
  process.env.TICKET_KEY = JSON.stringify(signing)
  process.env.TICKET_KEYS = JSON.stringify(others)
}
if (FLEET_SECRET) process.env.FLEET_KEY = fleetKeysOf(await readVersions(client, FLEET_SECRET)).join(',')
