import { afterAll, expect, test } from 'vitest'
import { createContext } from '../../../functions/rest/context.ts'
import { createHandler } from '../../../functions/rest/handler.ts'
import { createClient } from '../../../shared/store/client.ts'
import { asFunction } from '../permitted.ts'
import { startIndex } from './index-under-test.ts'

const index = await startIndex({}, { indexed: false })
afterAll(() => index.close())

const GET_HEALTH = { httpMethod: 'GET', path: '/v1/health', headers: {} } as never

test('health is ok while everything works', async () => {
  expect(await index.call('GET /v1/health')).toMatchObject({
    status: 200,
    body: { status: 'ok', failing: {} },
  })
})

test('fault 15: health says that the tables do not answer', async () => {
  const client = createClient({ endpoint: 'http://127.0.0.1:9' })
  const handler = createHandler(createContext(index.config, client))
  const { statusCode, body } = await handler(GET_HEALTH, {} as never)
  expect(statusCode).toBe(503)
  expect(JSON.parse(body)).toEqual({
    status: 'failing',
    failing: { tables: expect.stringContaining('do not answer') },
  })
})

test('fault 15: health says what fails beside INDEX, and still answers', async () => {
  const failing = () => ({ streams: 'metadata cannot read its stream: ECONNREFUSED' })
  const handler = createHandler(
    createContext(index.config, asFunction(index.client, 'rest'), Date.now, failing),
  )
  const { statusCode, body } = await handler(GET_HEALTH, {} as never)
  expect([statusCode, JSON.parse(body)]).toEqual([200, { status: 'degraded', failing: failing() }])
})

test('health asks the tables once for all who want to know it at one time', async () => {
  let asked = 0
  const client = {
    send: (...call: Parameters<typeof index.client.send>) => {
      asked++
      return index.client.send(...call)
    },
  } as typeof index.client
  const handler = createHandler(createContext(index.config, client))
  for (let i = 0; i < 20; i++) expect((await handler(GET_HEALTH, {} as never)).statusCode).toBe(200)
  expect(asked).toBe(1)
})
