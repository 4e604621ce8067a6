import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { GatewayLimits } from '../../local/gateway-limits.ts'
import type { RestHandler } from '../../local/gateway-rest.ts'
import { gatewayWith } from './gateway-under-test.ts'

const echo: RestHandler = async (event) => ({ statusCode: 200, body: JSON.stringify(event) })

async function serve(rest: RestHandler, limits: Partial<GatewayLimits> = {}): Promise<string> {
  return (await gatewayWith({ rest, limits })).url
}

const eventOf = async (response: Response) => (await response.json()) as APIGatewayProxyEvent

describe('the REST door', () => {
  test.each([
    ['the name of another deployment', 'evil.test', false],
    ['the address of another deployment', '203.0.113.7:8787', false],
    ['another port of this machine', 'localhost:1', false],
    ['its own name', 'localhost:PORT', true],
  ])('asked under %s, it believes only what it is', async (_, host, isBelieved) => {
    const url = new URL(await serve(echo))
    const asked = host.replace('PORT', url.port)
    const socket = connect(Number(url.port), url.hostname)
    socket.end(`GET / HTTP/1.1\r\nhost: ${asked}\r\nconnection: close\r\n\r\n`)
    const [, body] = (await text(socket)).split('\r\n\r\n')
    const { requestContext } = JSON.parse(body!.slice(body!.indexOf('{'), body!.lastIndexOf('}') + 1))
    expect(requestContext.domainName).toBe(isBelieved ? asked : url.host)
  })

  test('hands a request on as a proxy event', async () => {
    const url = await serve(echo)
    const headers = { 'content-type': 'application/json', 'x-many': 'a' }
    const event = await eventOf(
      await fetch(`${url}/v1/users/u%2F1?tag=a&tag=b&q=x%20y`, {
        method: 'PATCH',
        headers,
        body: '{"name":',
      }),
    )
    expect(event).toMatchObject({
      httpMethod: 'PATCH',
      path: '/v1/users/u%2F1',
      queryStringParameters: { tag: 'b', q: 'x y' },
      multiValueQueryStringParameters: { tag: ['a', 'b'], q: ['x y'] },
      headers: { 'content-type': 'application/json', 'x-many': 'a' },
      body: '{"name":',
      isBase64Encoded: false,
      requestContext: { identity: { sourceIp: '127.0.0.1' }, stage: 'local' },
    })
  })

  test('has nothing where a request has nothing', async () => {
    const event = await eventOf(await fetch(await serve(echo)))
    expect(event).toMatchObject({
      path: '/',
      body: null,
      queryStringParameters: null,
      isBase64Encoded: false,
    })
  })

  test('keeps every value of a repeated header', async () => {
    const url = new URL(await serve(echo))
    const answer = await talk(
      url,
      'GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nX-A: 2\r\nConnection: close\r\n\r\n',
    )
    const event = JSON.parse(
      answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1),
    ) as APIGatewayProxyEvent
    expect([event.headers['X-A'], event.multiValueHeaders['X-A']]).toEqual(['2', ['1', '2']])
  })

  test('carries binary bodies both ways', async () => {
    const bytes = Uint8Array.of(0, 255, 128, 10)
    const url = await serve(async ({ body, isBase64Encoded }) => ({
      statusCode: 201,
      multiValueHeaders: { 'set-cookie': ['a=1', 'b=2'] },
      headers: { 'content-type': 'application/octet-stream' },
      body: body ?? '',
      isBase64Encoded,
    }))
    const headers = { 'content-type': 'application/octet-stream' }
    const response = await fetch(url, { method: 'POST', headers, body: bytes })
    expect(response.status).toBe(201)
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(await response.bytes()).toEqual(bytes)
  })

  test('gives the handler a context that counts its time down', async () => {
    const given = Promise.withResolvers<Context>()
    const url = await serve(async (_, context) => {
      given.resolve(context)
      return { statusCode: 204, body: '' }
    })
    await fetch(url)
    const context = await given.promise
    expect(context.awsRequestId).toMatch(/^[0-9a-f-]{36}$/)
    expect(context.getRemainingTimeInMillis()).toBeGreaterThan(20_000)
    expect(context.getRemainingTimeInMillis()).toBeLessThanOrEqual(29_000)
  })
})

describe('the REST door, when a handler fails,', () => {
  const failures: [string, RestHandler][] = [
    ['throws', () => Promise.reject(new Error('broken'))],
    ['answers nothing', async () => undefined as unknown as APIGatewayProxyResult],
    ['answers no status', async () => ({ body: '' }) as APIGatewayProxyResult],
    ['answers an object as its body', async () => ({ statusCode: 200, body: {} as string })],
    [
      'answers headers that HTTP cannot carry',
      async () => ({ statusCode: 200, headers: { 'a b': '\n' }, body: '' }),
    ],
    ['answers more than Lambda returns', async () => ({ statusCode: 200, body: 'x'.repeat(2_000) })],
  ]

  test.each(failures)('answers 502 where it %s', async (_, handler) => {
    const log = vi.spyOn(console, 'error').mockReturnValue()
    onTestFinished(() => log.mockRestore())
    const response = await fetch(await serve(handler, { payloadBytes: 1_500 }))
    expect(response.status).toBe(502)
    expect(await response.json()).toEqual({ message: 'Internal server error' })
    expect(log).toHaveBeenCalledWith('GET /:', expect.any(Error))
  })

  test('answers 504 where it takes too long', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue()
    onTestFinished(() => log.mockRestore())
    const response = await fetch(await serve(() => new Promise(() => {}), { integrationMs: 30 }))
    expect(response.status).toBe(504)
    expect(await response.json()).toEqual({ message: 'Endpoint request timed out' })
  })
})

describe('the REST door, given garbage,', () => {
  test('answers 413 to a body that is too long', async () => {
    const url = await serve(echo, { requestBytes: 1_000 })
    expect((await fetch(url, { method: 'POST', body: 'x'.repeat(1_001) })).status).toBe(413)
    expect((await fetch(url, { method: 'POST', body: 'x'.repeat(1_000) })).status).toBe(200)
  })

  test('answers 413 to an event that Lambda would not take', async () => {
    const url = await serve(echo, { payloadBytes: 3_000 })
    expect((await fetch(url, { method: 'POST', body: 'x'.repeat(3_000) })).status).toBe(413)
  })

  test('answers 431 to huge headers', async () => {
    const url = await serve(echo)
    expect((await fetch(url, { headers: { 'x-huge': 'x'.repeat(11_000) } })).status).toBe(431)
  })

  test('answers 408 to a request that never ends', async () => {
    const url = new URL(await serve(echo, { requestMs: 60, headersMs: 60 }))
    expect(await talk(url, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc')).toMatch(
      /^HTTP\/1.1 408/,
    )
    expect(await talk(url, 'GET / HTTP/1.1\r\nHost: x\r\nX-')).toMatch(/^HTTP\/1.1 408/)
  })

  test('answers 400 to what is not HTTP, and serves the next', async () => {
    const url = await serve(echo)
    expect(await talk(new URL(url), '\0\xff not HTTP\r\n\r\n')).toMatch(/^HTTP\/1.1 400/)
    expect((await fetch(url)).status).toBe(200)
  })

  test.each([
    '//',
    '/%',
    '/?%=%&&=',
    'http://elsewhere/a',
    '*',
    '/\u0001',
  ])('survives the path %j', async (path) => {
    const url = await serve(echo)
    const answer = await talk(new URL(url), `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 (200|400)/)
    expect((await fetch(url)).status).toBe(200)
  })

  test('survives a caller that leaves in the middle of its body', async () => {
    const url = await serve(echo)
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc')
    await once(socket, 'connect')
    socket.destroy()
    expect((await fetch(url)).status).toBe(200)
  })
})

/** Sends raw bytes and reads until the other side closes. */
async function talk({ hostname, port }: URL, bytes: string): Promise<string> {
  const socket = connect(Number(port), hostname)
  socket.write(bytes, 'latin1')
  return text(socket)
}
