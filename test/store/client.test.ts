/** The behaviour of a client of DynamoDB while the tables are silent, and afterwards. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, expect, test } from 'vitest'
import { createClient } from '../../shared/store/client.ts'

/** A server that accepts requests and answers while it is well. */
let isWell = false
const server = createServer((asked, answer) => {
  asked.resume().on('end', () => {
    if (isWell) answer.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end('{}')
  })
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const CALL_MS = 200
const client = createClient({ endpoint, connections: 2, callMs: CALL_MS })
afterAll(() => client.destroy())
const get = () => client.send(new GetCommand({ TableName: 'Any', Key: { key: '1' } }))

test('calls to silent tables reject in time, also those that wait for a connection', async () => {
  const calls = await Promise.allSettled(Array.from({ length: 20 }, get))
  expect(calls.map(({ status }) => status)).toEqual(Array(20).fill('rejected'))
})

test('when the tables are well again, a call does not wait behind the abandoned ones', async () => {
  isWell = true
  const outcome = () =>
    get().then(
      () => 'answered',
      () => 'late',
    )
  await expect.poll(outcome, { timeout: 60_000 }).toBe('answered')
})
