import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createContext } from '../../functions/rest/context.ts'
import { createHandler } from '../../functions/rest/handler.ts'
import { type Gateway, startGateway } from '../../local/gateway.ts'
import { createInvites } from '../../shared/store/invites.ts'
import { createWebhooks } from '../../shared/store/webhooks.ts'
import { asFunction } from './permitted.ts'
import { type IndexUnderTest, startIndex } from './rest/index-under-test.ts'
import { newDevice, proofOf } from './rest/society.ts'

const readme = readFileSync(join(import.meta.dirname, '../../functions/README.md'), 'utf8')
const blocks = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block!)
const lines = blocks.flatMap((block) => block.split('\n')).filter((line) => line.startsWith('curl '))

const HOOK = { name: 'readme', url: 'https://example.com/', events: ['user.*'] }

let index: IndexUnderTest
let gateway: Gateway
let environment: Record<string, string>

beforeAll(async () => {
  index = await startIndex({}, { indexed: false })
  const accept = async () => ({ statusCode: 200 })
  const websocket = { connect: accept, disconnect: accept, message: accept }
  gateway = await startGateway({
    rest: createHandler(createContext(index.config, asFunction(index.client, 'rest'))),
    websocket,
  })
  const network = await index.network()
  const ann = await index.member({ [network]: 'member' })
  const [device, aud] = [newDevice(), `straightway-index://${new URL(gateway.url).host}`]
  environment = {
    INDEX: gateway.url,
    KEY: index.admin,
    NETWORK: network,
    ANN: ann.user,
    TICKET: ann.ticket,
    WEBHOOK: (await createWebhooks(index.client).create(HOOK, Date.now())).webhook.webhook,
    INVITE: (await createInvites(index.client).create({ network, role: 'member' }, Date.now())).code,
    PROOF: await proofOf(device, { iat: Date.now(), aud }),
    NEXT_PROOF: await proofOf(device, { iat: Date.now(), aud }),
  }
})
afterAll(async () => {
  await gateway.close()
  await index.close()
})

test('there are lines to run', () => {
  expect(lines.length).toBeGreaterThan(10)
})

test.each(lines)('%s', async (line) => {
  const script = `curl() { command curl -sS --fail-with-body "$@"; }; ${line}`
  const { stdout } = await promisify(execFile)('bash', ['-c', script], {
    env: { ...process.env, ...environment },
  })
  expect(JSON.parse(stdout)).toBeTypeOf('object')
})
