/**
 * Errors that an application gets if another server answers at the address of INDEX: a captive portal, a proxy, another
 * service.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createAdminClient } from '../../peer/index.ts'
import type { NetworkId, PeerId, UserId } from '../../shared/ids.ts'
import { enrol, fetchBootstrap, fetchTicket } from '../../shared/rest-client/enrolment.ts'
import { indexClient } from '../../shared/rest-client/index-client.ts'
import { Requests } from '../../shared/rest-client/requests.ts'

const NETWORK = 'n_a' as NetworkId
const USER = 'u_a' as UserId
const PEER = 'a'.repeat(52) as PeerId

let requests: Requests
let answer: (path: string) => string
const server = createServer((request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end(answer(request.url ?? ''))
})

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  requests = new Requests(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => 'ticket')
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const askAll = (): Readonly<Record<string, () => Promise<unknown>>> => {
  const { users, networks, peers, members, invites, objects, search } = indexClient(requests)
  return {
    bootstrap: () => fetchBootstrap(requests),
    ticket: () => fetchTicket(requests, 'proof'),
    enrolment: () => enrol(requests, { proof: 'proof', invite: 'code' }),
    user: () => users.get(USER),
    userUpdate: () => users.update(USER, { name: 'Ann' }),
    users: () => users.list(),
    blocks: () => users.blocks(USER),
    network: () => networks.get(NETWORK),
    networkCreate: () => networks.create({ name: 'chess' }),
    peer: () => peers.get(PEER),
    peers: () => peers.list(),
    members: () => members.list(NETWORK),
    invites: () => invites.list(NETWORK),
    inviteCreate: () => invites.create(NETWORK),
    object: () => objects.get('notes', 'one'),
    objectPut: () => objects.put('notes', 'one', { value: {} }),
    objectUpdate: () => objects.update('notes', 'one', {}),
    objects: () => objects.list('notes'),
    search: () => search('user'),
  }
}

test.each([
  'null',
  '5',
  '"text"',
  '[]',
  '{}',
  '{"nodes":[null],"items":[null],"ticket":null,"user":"u_a","name":"Ann"}',
  '{"nodes":{},"items":{},"ticket":"t","user":"u_a","name":"Ann"}',
  '{"nodes":"x","items":[5],"ticket":"t","expiresAt":"soon","user":5}',
])('%s is no answer of INDEX: every request is `unavailable`', async (text) => {
  answer = () => text
  for (const [name, ask] of Object.entries(askAll()).filter(([name]) => !isAnswer(name, text)))
    await expect(ask(), name).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/is not INDEX: the answer has another form/),
    })
  expect(requests.isReached).toBe(false)
})

/** True if the answer is a valid user. Some of the answers above are. */
const isAnswer = (name: string, text: string): boolean =>
  /^user(Update)?$/.test(name) && text.includes('"name":"Ann"')

test.each([
  200, 500,
])('an answer of status %i that does not end is left, and is no answer of INDEX', async (status) => {
  const block = Buffer.alloc(1 << 20, ' ')
  let sent = 0
  const endless = createServer((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    const more = () => {
      while (response.write(block)) sent += block.length
      response.once('drain', more)
    }
    more()
  })
  endless.listen(0, '127.0.0.1')
  await once(endless, 'listening')
  onTestFinished(() => {
    endless.closeAllConnections()
    endless.close()
  })
  const asking = new Requests(`http://127.0.0.1:${(endless.address() as AddressInfo).port}`, () => 'ticket')
  await expect(fetchBootstrap(asking)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(status === 200 ? /is not INDEX: the answer does not end/ : /answered 500/),
  })
  expect(sent).toBeLessThan(64 << 20)
})

test('a problem without words is told in those of its code', async () => {
  const silent = createServer((_, response) => {
    response.writeHead(404, { 'content-type': 'application/problem+json' }).end('{"code":"unknown-peer"}')
  })
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  onTestFinished(() => void silent.close())
  const asking = new Requests(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`, () => 'ticket')
  await expect(fetchBootstrap(asking)).rejects.toMatchObject({
    code: 'unknown-peer',
    message: 'No such peer, or none you are related to.',
  })
})

test('the admin client, too, takes no answer that is no object', async () => {
  const admin = createAdminClient({ index: requests.base, key: 'sw_a_b' })
  for (const text of ['null', '5', '"text"']) {
    answer = () => text
    await expect(admin.listUsers()).rejects.toMatchObject({ code: 'unavailable' })
  }
})

test('the admin client, too, asks for nothing but what its arguments name', async () => {
  const admin = createAdminClient({ index: requests.base, key: 'sw_a_b' })
  let asked = 0
  answer = () => `{"asked":${++asked}}`
  for (const user of ['', '.', '..', undefined, null, 5] as unknown as UserId[])
    await expect(admin.readUser({ user }), `${user}`).rejects.toMatchObject({
      code: 'bad-request',
      message: expect.stringContaining('`user` is'),
    })
  await expect(admin.listUsers(null as never)).rejects.toMatchObject({ message: /`request` is an object/ })
  expect(asked).toBe(0)
})

test('a list that repeats a page for ever ends, and one that is left early asks no more', async () => {
  const paths: string[] = []
  answer = (path) => {
    paths.push(path)
    return JSON.stringify({ items: [{ user: 'u_a', name: 'Ann' }], cursor: 'same' })
  }
  const names: string[] = []
  const iterate = async () => {
    for await (const { name } of indexClient(requests).users.list()) names.push(name)
  }
  await expect(iterate()).rejects.toMatchObject({ code: 'unavailable', message: /repeats a page/ })
  expect(names).toEqual(['Ann'])
  expect(paths).toEqual(['/v1/users', '/v1/users?cursor=same'])

  for await (const { name } of indexClient(requests).users.list()) if (name === 'Ann') break
  expect(paths).toHaveLength(3)
})
