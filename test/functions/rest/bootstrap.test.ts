import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { API } from '../../../functions/rest/api.ts'
import { commandsText } from '../../../functions/rest/commands.ts'
import { configFrom } from '../../../functions/rest/config.ts'
import { describeApi } from '../../../functions/rest/openapi.ts'
import { operationsText } from '../../../functions/rest/typescript.ts'
import { COMMANDS_FILE, DOORS_FILE, doorsText, OPERATIONS_FILE } from '../../../functions/rest/write.ts'
import type { FleetItem } from '../../../shared/directory.ts'
import { fromBase32, type NodeId } from '../../../shared/ids.ts'
import { LIMITS } from '../../../shared/limits.ts'
import { createFleet } from '../../../shared/store/fleet.ts'
import { type IndexUnderTest, newTicketKey, startIndex } from './index-under-test.ts'

let index: IndexUnderTest
const { d: _, ...retiring } = await newTicketKey('k0')

beforeAll(async () => {
  index = await startIndex({ retiringTicketKeys: [retiring] }, { indexed: false })
})
afterAll(() => index.close())

function lease(node: string, more: Partial<FleetItem> = {}): FleetItem {
  return {
    node: node as NodeId,
    roles: ['checkpoint'],
    publicKey: 'key',
    addresses: { checkpoint: ['127.0.0.1:3470'], stun: ['127.0.0.1:3478', '127.0.0.1:3479'] },
    load: 0,
    draining: false,
    startedAt: index.now(),
    expiresAtSeconds: Math.floor(index.now() / 1000) + 10,
    ...more,
  }
}

test('a peer starts with the keys, the nodes that are there to stay, and the limits', async () => {
  const fleet = createFleet(index.client)
  await fleet.register(lease('node_alive', { relayTls: { port: 443, pin: 'pin' }, region: 'eu-west-1' }))
  await fleet.register(lease('node_draining', { draining: true }))
  await fleet.register(lease('node_dead', { expiresAtSeconds: Math.floor(index.now() / 1000) }))
  const { body, headers } = await index.call('GET /v1/bootstrap')
  expect(headers['cache-control']).toBe('public, max-age=5')
  expect(body).toEqual({
    ticketKeys: [
      { kid: 'k1', publicKey: expect.any(String) },
      { kid: 'k0', publicKey: expect.any(String) },
    ],
    nodes: [
      {
        node: 'node_alive',
        publicKey: 'key',
        checkpoint: ['127.0.0.1:3470'],
        handshake: [],
        stun: ['127.0.0.1:3478', '127.0.0.1:3479'],
        relay: [],
        relayTls: { port: 443, pin: 'pin' },
        region: 'eu-west-1',
      },
    ],
    websocket: 'ws://here',
    limits: { ...LIMITS },
  })
  const key = fromBase32(body.ticketKeys[0].publicKey)!
  expect(Buffer.from(key).toString('base64url')).toBe(index.config.ticketKey.x)
})

test('the description names every route, with the body that its handler checks', () => {
  const { paths } = describeApi(API)
  for (const { operation, method, path, body } of API) {
    const described = paths[path]?.[method.toLowerCase()] as { operationId: string; requestBody?: unknown }
    expect(described.operationId).toBe(operation)
    expect(described.requestBody !== undefined).toBe(body !== undefined)
  }
  expect(JSON.stringify(paths['/v1/networks/{network}/invites'])).toContain(
    '"enum":["guest","member","admin","owner"]',
  )
})

test('the doors of API Gateway and the types of clients are those of the definitions: npm run openapi', () => {
  expect(readFileSync(DOORS_FILE, 'utf8')).toBe(doorsText())
  expect(readFileSync(OPERATIONS_FILE, 'utf8')).toBe(operationsText(API))
  expect(readFileSync(COMMANDS_FILE, 'utf8')).toBe(commandsText(API))
})

test('an example of a body is one that its route accepts', () => {
  for (const { operation, body, example } of API) {
    if (example !== undefined) expect(body?.safeParse(example).success, operation).toBe(true)
  }
})

test('a path that is none of ours says where the routes are', async () => {
  expect(await index.call('GET /v1/nothing')).toMatchObject({
    status: 404,
    headers: { 'content-type': 'application/problem+json' },
    body: { code: 'not-found', detail: 'There is no GET /v1/nothing: see GET /v1/openapi.json' },
  })
})

test('a browser may ask from any page', async () => {
  const { status, headers } = await index.call('OPTIONS /v1/users/x')
  expect([status, headers['access-control-allow-origin']]).toEqual([204, '*'])
  expect(headers['access-control-allow-headers']).toContain('authorization')
})

test('a configuration that is not whole names the variable', async () => {
  const key = JSON.stringify(await newTicketKey())
  expect(() => configFrom({})).toThrow('TICKET_KEY')
  expect(() => configFrom({ TICKET_KEY: '{}' })).toThrow('TICKET_KEY')
  expect(() => configFrom({ TICKET_KEY: key, TICKET_KEYS: '[1]' })).toThrow('TICKET_KEYS')
  expect(() => configFrom({ TICKET_KEY: key, OIDC_ISSUER: 'https://x' })).toThrow('OIDC_AUDIENCE')
  for (const TICKET_MS of ['', '999', `${LIMITS.signInTicketMs + 1}`, '1.5e3.2'])
    expect(() => configFrom({ TICKET_KEY: key, TICKET_MS })).toThrow('TICKET_MS')
  expect(configFrom({ TICKET_KEY: key, WEBSOCKET_URL: 'wss://x' })).toMatchObject({ websocket: 'wss://x' })
})
