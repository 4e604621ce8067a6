/** A network whose only way out is an HTTP proxy, which connects (CONNECT) to hosts by names that only it can resolve. */
import { once } from 'node:events'
import http, { createServer } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { dialGateway } from '../../../peer/net/gateway-socket.ts'
import { connectThrough, fetchByEnvironment, proxyFor } from '../../../peer/net/proxy.ts'
import { RelayTls } from '../../../peer/net/relay-tls.ts'
import { GatewayLink } from '../../../shared/client/gateway-link.ts'
import type { NodeId } from '../../../shared/ids.ts'
import { Requests } from '../../../shared/rest-client/requests.ts'
import { parseAddress } from '../../../shared/wire/address.ts'
import { encodeRelay } from '../../../shared/wire/relay.ts'
import { startRelay } from '../../../udp-edge/relay.ts'

const HOST = '127.0.0.1'
const PATIENT = { interval: 5, timeout: 60_000 }

const proxy = http.createServer()
/** Requests to connect. */
let asked: { readonly to: string; readonly authorization: string | undefined }[] = []
let refuses = false

proxy.on('connect', ({ url = '', headers }, client: net.Socket) => {
  asked.push({ to: url, authorization: headers['proxy-authorization'] })
  if (refuses) {
    client.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    return
  }
  const server = net.connect(Number(url.split(':').at(-1)), HOST, () => {
    client.write('HTTP/1.1 200 Connection established\r\n\r\n')
    client.pipe(server).pipe(client)
  })
  for (const socket of [client, server]) socket.on('error', () => {})
  client.on('close', () => server.destroy())
})

const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port

beforeAll(async () => {
  proxy.listen(0, HOST)
  await once(proxy, 'listening')
})
afterAll(() => {
  proxy.close()
  proxy.closeAllConnections()
  vi.unstubAllEnvs()
})
beforeEach(() => {
  asked = []
  refuses = false
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY'])
    vi.stubEnv(name, `http://ann:s%20ecret@${HOST}:${portOf(proxy)}`)
  vi.stubEnv('NO_PROXY', 'near.test,.local')
})

test('the environment says which addresses go through a proxy, and this machine itself never does', () => {
  for (const url of ['http://index.test', 'https://index.test', 'ws://index.test', 'wss://203.0.113.7:3483'])
    expect(proxyFor(url), url).toContain(`@${HOST}`)
  for (const url of [
    'http://near.test',
    'https://a.local',
    'http://localhost:8787',
    `ws://${HOST}:1`,
    'http://[::1]:1',
  ])
    expect(proxyFor(url), url).toBeUndefined()
})

describe('INDEX', () => {
  async function index(): Promise<Requests> {
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (bytes) => {
        body += bytes
      })
      request.on('end', () => {
        if (request.url === '/nothing') response.writeHead(204).end()
        else response.writeHead(200, { date: 'Sun, 01 Nov 2026 10:00:00 GMT' }).end(JSON.stringify({ body }))
      })
    })
    server.listen(0, HOST)
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    return new Requests(`http://index.test:${portOf(server)}`, () => 'ticket', {
      transport: fetchByEnvironment,
    })
  }

  test('is asked through it, by name, and answers', async () => {
    const requests = await index()
    expect(await requests.send('POST', '/echo', { body: { a: 1 } })).toEqual({ body: '{"a":1}' })
    expect(await requests.send('DELETE', '/nothing')).toBeUndefined()
    expect(new Date(requests.serverTime).getUTCFullYear()).toBe(2026)
    expect(asked[0]!.to).toBe(new URL(requests.base).host)
    expect(asked[0]!.authorization).toBe(`Basic ${Buffer.from('ann:s ecret').toString('base64')}`)
  })

  test('is unavailable if the proxy refuses, and the error says so', async () => {
    const requests = await index()
    refuses = true
    const to = new URL(requests.base).host
    await expect(requests.send('GET', '/')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(`The proxy ${HOST}:${portOf(proxy)} does not connect to ${to}: 403.`),
    })
  })

  test.each([
    ['socks5://ann:secret@127.0.0.1:9', 'no http:// or https:// address'],
    ['http://ann:secret@', 'no http:// or https:// address'],
    ['http://%zz:secret@127.0.0.1:9', 'URI malformed'],
    ['http://ann:secret@127.0.0.1:9', 'ECONNREFUSED'],
  ])('is unavailable through %s, and the error keeps the password to itself', async (address, why) => {
    const requests = await index()
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY']) vi.stubEnv(name, address)
    const error = (await requests.send('GET', '/').catch((reason) => reason)) as Error
    expect(error).toMatchObject({ code: 'unavailable', message: expect.stringContaining(why) })
    expect(error.message).not.toContain('secret')
    await expect(connectThrough(address, HOST, 9)).rejects.toThrow(why)
  })
})

/** Connects through a proxy that answers CONNECT with `says`. `said` resolves when it has. */
async function connectingThroughOne(
  says: string,
): Promise<{ connected: Promise<net.Socket>; said: Promise<void> }> {
  const said = Promise.withResolvers<void>()
  const odd = net.createServer((client) => {
    client.on('error', () => {})
    client.once('data', () => client.write(says, () => said.resolve()))
    onTestFinished(() => void client.destroy())
  })
  odd.listen(0, HOST)
  onTestFinished(() => void odd.close())
  await once(odd, 'listening')
  const connected = connectThrough(`http://${HOST}:${portOf(odd)}`, 'index.test', 443)
  connected.catch(() => {})
  return { connected, said: said.promise }
}

test.each([
  ['is silent', ''],
  ['never ends its answer', 'HTTP/1.1 200 OK\r\nX-Slow: '],
])('a proxy that %s is given up after ten seconds', async (_, says) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const { connected, said } = await connectingThroughOne(says)
  await said
  vi.advanceTimersByTime(10_000)
  await expect(connected).rejects.toThrow('does not answer')
})

test.each([
  ['answers garbage', '\0\0\0\r\n\r\n', 'Parse Error'],
  ['wants a password', 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n', 'needs a user and a password'],
])('a proxy that %s is told of immediately', async (_, says, why) => {
  const { connected } = await connectingThroughOne(says)
  await expect(connected).rejects.toThrow(why)
})

test('the gateway is reached through it', async () => {
  const server = new WebSocketServer({ port: 0, host: HOST })
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const said = once(server, 'connection').then(([socket]) => once(socket, 'message'))
  const link = new GatewayLink({
    dial: dialGateway,
    url: () => `ws://gateway.test:${portOf(server)}`,
    proof: () => 'proof',
    onGone: () => {},
  })
  const port = link.open({ service: 'checkpoint', receive: () => {}, events: undefined })
  onTestFinished(() => port.close())
  port.send('node_aaaaaaaa' as NodeId, Buffer.from('hello'))
  expect(JSON.parse(`${(await said)[0]}`)).toMatchObject({ kind: 'datagram', node: 'node_aaaaaaaa' })
  expect(asked[0]!.to).toBe(`gateway.test:${portOf(server)}`)
})

test('a relay is reached through it, and known by its key', async () => {
  const relay = await startRelay({ host: HOST, port: 0, fleetKeys: [new Uint8Array(32)], tls: { port: 0 } })
  onTestFinished(() => relay.close())
  const { words } = parseAddress('203.0.113.9:3482')!
  const heard: Uint8Array[] = []
  const carrier = new RelayTls({
    endpointAt: () => relay.tls,
    missed: () => {},
    receive: (bytes) => heard.push(bytes),
  })
  onTestFinished(() => carrier.close())
  carrier.send(words, 0, encodeRelay({ op: 'keep' }))
  await expect.poll(() => heard.length, PATIENT).toBe(1)
  expect(asked).toMatchObject([{ to: `203.0.113.9:${relay.tls!.port}` }])
})
