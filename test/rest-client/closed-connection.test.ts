/** INDEX, or a gateway in front of it, closes a connection that a client keeps for reuse. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { Requests } from '../../shared/rest-client/requests.ts'

/** Starts a server that aborts the first `times` requests. */
async function cuttingOff(times: number) {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(request.method!)
    if (seen.length <= times) request.socket.destroy()
    else response.setHeader('content-type', 'application/json').end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { seen, requests: new Requests(`http://127.0.0.1:${port}`, () => 'ticket') }
}

test('a read is asked once more', async () => {
  const { seen, requests } = await cuttingOff(1)
  await expect(requests.send('GET', '/health')).resolves.toEqual({})
  expect(seen).toEqual(['GET', 'GET'])
})

test('a write is sent once more where INDEX knows it again', async () => {
  const { seen, requests } = await cuttingOff(1)
  await expect(requests.send('POST', '/v1/networks', { body: {}, idempotencyKey: 'one' })).resolves.toEqual(
    {},
  )
  expect(seen).toEqual(['POST', 'POST'])
})

test('any other write is not: it may have been done', async () => {
  const { seen, requests } = await cuttingOff(1)
  await expect(requests.send('POST', '/v1/networks', { body: {} })).rejects.toMatchObject({
    code: 'unavailable',
  })
  await expect(requests.send('PATCH', '/v1/networks/n_a', { body: {} })).resolves.toEqual({})
  expect(seen).toEqual(['POST', 'PATCH'])
})

test('what is cut off twice is not answered', async () => {
  const { seen, requests } = await cuttingOff(2)
  await expect(requests.send('GET', '/health')).rejects.toMatchObject({ code: 'unavailable' })
  expect(seen).toEqual(['GET', 'GET'])
})
