/** Addresses inside the cloud that a webhook cannot be made to reach. */
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createPost, type Resolve } from '../../../functions/webhooks/post.ts'
import { isPublicAddress } from '../../../functions/webhooks/public-address.ts'
import { startIndex } from '../rest/index-under-test.ts'

const servers: Server[] = []

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  servers.push(server)
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

test.each([
  ...['8.8.8.8', '1.1.1.1', '172.15.0.1', '172.32.0.1', '2606:4700::1111', '2a00:1450::1'],
])('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true)
})

test.each([
  ...['127.0.0.1', '127.255.255.254', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '0.0.0.0'],
  ...['169.254.169.254', '169.254.170.2', '100.64.0.1', '192.0.0.170', '198.18.0.1', '224.0.0.1'],
  ...['255.255.255.255', '240.0.0.1', '192.0.2.1', '::', '::1', 'fe80::1', 'fc00::1', 'fd00:ec2::254'],
  ...['ff02::1', '::ffff:10.0.0.1', '::ffff:169.254.169.254', '::7f00:1', '64:ff9b::a9fe:a9fe'],
  ...['64:ff9b:1::a00:1', '2002:7f00:1::', '2001:0:7f00:1::', '2001:db8::1', 'fe80::1%lo', 'localhost', ''],
])('%j is not public', (address) => {
  expect(isPublicAddress(address)).toBe(false)
})

describe('a post', () => {
  test.each([
    ...['https://127.0.0.1/', 'https://[::1]/', 'https://[::ffff:127.0.0.1]/', 'https://2130706433/'],
    ...['https://0x7f.1/', 'https://169.254.169.254/latest/meta-data/', 'https://localhost/'],
    'http://example.com/',
  ])('does not go to %s', async (url) => {
    const { status, failure } = await createPost({ timeoutMs: 5_000 })(url, {}, '{}')
    expect(status).toBeUndefined()
    expect(failure).toMatch(/not public|no https/)
  })

  test('asks for the name once, and dials none of its addresses if any is private', async () => {
    const asked: string[] = []
    const answering =
      (...addresses: string[]): Resolve =>
      (host, _, callback) => {
        asked.push(host)
        callback(
          null,
          addresses.map((address) => ({ address, family: 4 })),
        )
      }
    const post = (...addresses: string[]) =>
      createPost({ resolve: answering(...addresses), timeoutMs: 5_000 })('https://rebound.example/', {}, '')
    expect(await post('127.0.0.1')).toEqual({ failure: 'the address is not public' })
    expect(await post('8.8.8.8', '10.0.0.1')).toEqual({ failure: 'the address is not public' })
    expect(await post()).toEqual({ failure: 'the address is not public' })
    expect(asked).toHaveLength(3)
  })

  test('follows no redirect', async () => {
    let visits = 0
    const inner = await serve((_, response) => {
      visits++
      response.end()
    })
    const outer = await serve((_, response) => {
      response.writeHead(307, { location: `http://${inner}/` }).end()
    })
    expect(await createPost({ toPrivate: true })(`http://${outer}/`, {}, '{}')).toEqual({ status: 307 })
    expect(visits).toBe(0)
  })

  test('reads an endless answer no further than it must, and waits for none that never comes', async () => {
    const endless = await serve((_, response) => {
      response.writeHead(200)
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65536)));
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    })
    expect(await createPost({ toPrivate: true })(`http://${endless}/`, {}, '{}')).toEqual({ status: 200 })
    const silent = await serve(() => {})
    const trickling = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('a')
    })
    for (const host of [silent, trickling])
      expect(await createPost({ toPrivate: true, timeoutMs: 300 })(`http://${host}/`, {}, '{}')).toEqual({
        failure: 'no answer within 300 ms',
      })
  })

  test.each([
    ['120', 120_000],
    ['-1', undefined],
    ['soon', undefined],
    ['1e99', 1e102],
  ])('hears Retry-After: %s', async (text, ms) => {
    const host = await serve((_, response) => {
      response.writeHead(429, { 'retry-after': text }).end()
    })
    const { retryAfterMs } = await createPost({ toPrivate: true })(`http://${host}/`, {}, '{}')
    expect(retryAfterMs).toBe(ms)
  })
})

test('an address that no webhook could reach is refused when it is told', async () => {
  const index = await startIndex({}, { indexed: false })
  const make = (url: unknown, more = {}) =>
    index.call('POST /v1/webhooks', {
      as: index.admin,
      body: { name: 'bad', url, events: ['user.*'], ...more },
    })
  for (const url of [
    ...['http://example.com/', 'https://127.0.0.1/', 'https://[::1]:8443/', 'https://169.254.169.254/'],
    ...['https://0177.0.0.1/', 'https://user:secret@example.com/', 'https://example.com/#x', 'ftp://a.b/'],
    ...['example.com', '', 7, `https://example.com/${'a'.repeat(2048)}`],
  ])
    expect((await make(url)).status, `${url}`).toBe(400)
  for (const more of [
    ...[{ events: [] }, { events: ['user.renamed'] }, { events: ['*'] }, { events: ['constructor.*'] }],
    ...[{ secret: 'whsec_mine' }, { active: false }, { network: 'n_' }],
  ])
    expect((await make('https://example.com/', more)).status, JSON.stringify(more)).toBe(400)
  const { body } = await make('https://example.com/')
  const edit = (patch: object) =>
    index.call(`PATCH /v1/webhooks/${body.webhook}`, { as: index.admin, body: patch })
  for (const patch of [
    { url: 'https://10.0.0.1/' },
    { name: null },
    { events: null },
    { secret: 'x' },
    { by: 'x' },
  ])
    expect((await edit(patch)).status, JSON.stringify(patch)).toBe(400)
  expect((await edit({ network: `n_${'a'.repeat(16)}` })).body.network).toBe(`n_${'a'.repeat(16)}`)
  expect((await edit({ network: null })).body).not.toHaveProperty('network')
  await index.close()
})
