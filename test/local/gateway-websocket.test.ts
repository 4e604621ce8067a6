import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  GoneException,
  PayloadTooLargeException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import WebSocket from 'ws'
import type { Gateway } from '../../local/gateway.ts'
import { connectionConfig } from '../../shared/store/client.ts'
import { gatewayWith, openSocket, recording } from './gateway-under-test.ts'

const quietErrors = () => {
  const log = vi.spyOn(console, 'error').mockReturnValue()
  onTestFinished(() => log.mockRestore())
  return log
}

describe('a WebSocket connection', () => {
  test('asks $connect with its headers and query', async () => {
    const connecting = recording()
    const gateway = await gatewayWith({ websocket: { connect: connecting.handler } })
    const socket = new WebSocket(`${gateway.websocketUrl}?a=1&a=2`, {
      headers: { authorization: 'Bearer t' },
    })
    await once(socket, 'open')
    expect(await connecting.next()).toMatchObject({
      headers: { authorization: 'Bearer t' },
      queryStringParameters: { a: '2' },
      multiValueQueryStringParameters: { a: ['1', '2'] },
      requestContext: {
        routeKey: '$connect',
        eventType: 'CONNECT',
        connectionId: expect.stringMatching(/=$/),
      },
    })
  })

  test.each([401, 403])('is refused with the status %i of $connect', async (statusCode) => {
    const gateway = await gatewayWith({ websocket: { connect: async () => ({ statusCode }) } })
    await expect(openSocket(gateway)).rejects.toThrow(`${statusCode}`)
  })

  test('is refused with 502 when $connect throws, 504 when it takes too long', async () => {
    quietErrors()
    const throwing = await gatewayWith({ websocket: { connect: () => Promise.reject(new Error('broken')) } })
    await expect(openSocket(throwing)).rejects.toThrow('502')
    const slow = await gatewayWith({
      websocket: { connect: () => new Promise(() => {}) },
      limits: { integrationMs: 30 },
    })
    await expect(openSocket(slow)).rejects.toThrow('504')
  })

  test('hands messages to $default, text as text and binary as base64', async () => {
    const messages = recording()
    const gateway = await gatewayWith({ websocket: { message: messages.handler } })
    const socket = await openSocket(gateway)
    socket.send('{"not json')
    expect(await messages.next()).toMatchObject({
      body: '{"not json',
      isBase64Encoded: false,
      requestContext: { routeKey: '$default', eventType: 'MESSAGE' },
    })
    socket.send(Uint8Array.of(1, 2, 255))
    expect(await messages.next()).toMatchObject({ body: 'AQL/', isBase64Encoded: true })
  })

  test('is told when $default fails, and stays open', async () => {
    const log = quietErrors()
    const gateway = await gatewayWith({ websocket: { message: () => Promise.reject(new Error('broken')) } })
    const socket = await openSocket(gateway)
    socket.send('a')
    const [data] = (await once(socket, 'message')) as [Buffer]
    expect(JSON.parse(data.toString())).toMatchObject({ message: 'Internal server error' })
    expect(socket.readyState).toBe(WebSocket.OPEN)
    expect(log).toHaveBeenCalledWith('$default:', expect.any(Error))
  })

  test('is reported to $disconnect under the id it connected with', async () => {
    const [connecting, disconnecting] = [recording(), recording()]
    const gateway = await gatewayWith({
      websocket: { connect: connecting.handler, disconnect: disconnecting.handler },
    })
    const socket = await openSocket(gateway)
    socket.close(4001, 'enough')
    const { connectionId } = (await connecting.next()).requestContext
    expect((await disconnecting.next()).requestContext).toMatchObject({
      connectionId,
      eventType: 'DISCONNECT',
      disconnectStatusCode: 4001,
      disconnectReason: 'enough',
    })
  })

  test('is reported when it breaks off without a word', async () => {
    const disconnecting = recording()
    const gateway = await gatewayWith({ websocket: { disconnect: disconnecting.handler } })
    const socket = await openSocket(gateway)
    socket.terminate()
    expect((await disconnecting.next()).requestContext).toMatchObject({ disconnectStatusCode: 1006 })
  })

  test('ends when it was idle too long, and when it is too old', async () => {
    for (const limits of [{ idleMs: 40 }, { connectionMs: 40 }]) {
      const socket = await openSocket(await gatewayWith({ limits }))
      expect((await once(socket, 'close'))[0]).toBe(1001)
    }
  })

  test('ends at a frame that is too long', async () => {
    const socket = await openSocket(await gatewayWith({}))
    socket.send('x'.repeat(32 * 1024 + 1))
    expect((await once(socket, 'close'))[0]).toBe(1009)
  })

  test('ends when the gateway does, which waits for its $disconnect', async () => {
    const ended: string[] = []
    const gateway = await gatewayWith({
      websocket: {
        disconnect: async ({ requestContext }) => {
          ended.push(requestContext.eventType)
          return { statusCode: 200 }
        },
      },
    })
    const socket = await openSocket(gateway)
    const closed = once(socket, 'close')
    await gateway.close()
    expect(ended).toEqual(['DISCONNECT'])
    expect((await closed)[0]).toBe(1001)
  })
})

describe('an upgrade that is half open', () => {
  const upgrade = (path = '/ws', key = 'dGhlIHNhbXBsZSBub25jZQ==', method = 'GET') =>
    `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`

  const dial = (gateway: Gateway): Socket => connect(Number(new URL(gateway.url).port), '127.0.0.1')

  test.each([
    ['elsewhere', upgrade('/other'), 404],
    ['with a key that is none', upgrade('/ws', 'short'), 400],
    ['by another method', upgrade('/ws', undefined, 'POST'), 400],
  ])('%s is refused without asking anybody', async (_, bytes, status) => {
    let asked = 0
    const connecting = async () => ({ statusCode: 200 + asked++ })
    const gateway = await gatewayWith({ websocket: { connect: connecting } })
    const socket = dial(gateway)
    socket.write(bytes)
    expect(await text(socket)).toMatch(new RegExp(`^HTTP/1.1 ${status}`))
    expect(asked).toBe(0)
  })

  test('is reported as ended when the caller left while $connect ran', async () => {
    const disconnecting = recording()
    const asked = Promise.withResolvers<void>()
    const decided = Promise.withResolvers<{ statusCode: number }>()
    const gateway = await gatewayWith({
      websocket: {
        connect: () => {
          asked.resolve()
          return decided.promise
        },
        disconnect: disconnecting.handler,
      },
    })
    const socket = dial(gateway)
    socket.write(upgrade())
    await asked.promise
    socket.resetAndDestroy()
    decided.resolve({ statusCode: 200 })
    expect((await disconnecting.next()).requestContext).toMatchObject({ disconnectStatusCode: 1006 })
  })

  test('ends when what follows is not WebSocket', async () => {
    const disconnecting = recording()
    const gateway = await gatewayWith({ websocket: { disconnect: disconnecting.handler } })
    const socket = dial(gateway)
    socket.write(`${upgrade()}garbage that is no frame`)
    expect(await text(socket)).toMatch(/^HTTP\/1.1 101/)
    expect((await disconnecting.next()).requestContext).toMatchObject({ disconnectStatusCode: 1006 })
  })
})

describe('the management API, through the SDK,', () => {
  async function connected(path = '', limits = {}) {
    const connecting = recording()
    const gateway = await gatewayWith({ websocket: { connect: connecting.handler }, limits })
    const socket = await openSocket(gateway, { headers: { 'user-agent': 'node/1' } })
    const ConnectionId = (await connecting.next()).requestContext.connectionId
    const api = new ApiGatewayManagementApiClient(connectionConfig({ endpoint: `${gateway.url}${path}` }))
    return { gateway, socket, api, ConnectionId }
  }

  test.each(['', '/prod'])('posts to a connection at the path %j', async (path) => {
    const { socket, api, ConnectionId } = await connected(path)
    const arrives = once(socket, 'message')
    await api.send(new PostToConnectionCommand({ ConnectionId, Data: '{"kind":"mail"}' }))
    const [data, binary] = (await arrives) as [Buffer, boolean]
    expect([data.toString(), binary]).toEqual(['{"kind":"mail"}', false])
  })

  test('posts up to 128 KB and no more', async () => {
    const { socket, api, ConnectionId } = await connected()
    const arrives = once(socket, 'message')
    await api.send(new PostToConnectionCommand({ ConnectionId, Data: new Uint8Array(128 * 1024).fill(200) }))
    const [data, binary] = (await arrives) as [Buffer, boolean]
    expect([data.length, binary]).toEqual([128 * 1024, true])
    const Data = new Uint8Array(128 * 1024 + 1)
    await expect(api.send(new PostToConnectionCommand({ ConnectionId, Data }))).rejects.toThrow(
      PayloadTooLargeException,
    )
  })

  test('describes a connection', async () => {
    const before = Date.now()
    const { api, ConnectionId } = await connected()
    const { ConnectedAt, LastActiveAt, Identity } = await api.send(new GetConnectionCommand({ ConnectionId }))
    expect(Identity).toEqual({ SourceIp: '127.0.0.1', UserAgent: 'node/1' })
    expect(ConnectedAt?.getTime()).toBeGreaterThanOrEqual(before)
    expect(LastActiveAt?.getTime()).toBeGreaterThanOrEqual(ConnectedAt!.getTime())
  })

  test('ends a connection, which is gone from then on', async () => {
    const { socket, api, ConnectionId } = await connected()
    const closed = once(socket, 'close')
    await api.send(new DeleteConnectionCommand({ ConnectionId }))
    expect((await closed)[0]).toBe(1000)
    const commands = [
      () => api.send(new PostToConnectionCommand({ ConnectionId, Data: 'x' })),
      () => api.send(new GetConnectionCommand({ ConnectionId })),
      () => api.send(new DeleteConnectionCommand({ ConnectionId })),
    ]
    for (const command of commands) await expect(command()).rejects.toThrow(GoneException)
  })

  test('says that a receiver is too slow rather than keep everything for it', async () => {
    const { gateway, socket, ConnectionId } = await connected('', { backlogBytes: 64 * 1024 })
    socket.pause()
    const path = `${gateway.url}/@connections/${encodeURIComponent(ConnectionId)}`
    const post = () => fetch(path, { method: 'POST', body: 'x'.repeat(100 * 1024) })
    await expect.poll(async () => (await post()).status, { interval: 1 }).toBe(429)
    socket.resume()
    await expect.poll(async () => (await post()).status, { interval: 1 }).toBe(200)
  })
})
