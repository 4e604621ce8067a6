/**
 * The services that an instance reaches, for a machine without another network: metadata and AWS services at 169.254.169.254,
 * and a system whose INDEX, gateway and tables are on loopback. Prints their addresses, then how the launch hook was
 * completed.
 */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSystem } from '../../../local/system.ts'
import { fleetKeysOf, ticketKeysOf } from '../../../shared/secrets.ts'
import { startAws } from '../aws-under-test.ts'

const SECRET = 'a text that Secrets Manager made up'
const say = (line: unknown) => void process.stdout.write(`${JSON.stringify(line)}\n`)

const data = mkdtempSync(join(tmpdir(), 'straightway-home-'))
const secrets = {
  ticketKey: ticketKeysOf({ current: SECRET }).signing,
  fleetKey: fleetKeysOf({ current: SECRET })[0],
}
writeFileSync(join(data, 'secrets.json'), JSON.stringify(secrets))
const system = await startSystem({ data, freePorts: true })
const aws = await startAws('127.0.0.9', SECRET, { host: '169.254.169.254', port: 80 })
say({ index: system.index, gateway: system.websocket, dynamodb: system.dynamodb, aws: aws.endpoint })
say(Object.fromEntries(await aws.completed('serve')))
