import { randomBytes } from 'node:crypto'
import { UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { toBase32 } from '../../../shared/ids.ts'
import { LIMITS } from '../../../shared/limits.ts'
import { tableName } from '../../../shared/store/client.ts'
import { type OpenIndex, openIndex } from './open-index.ts'
import { newDevice } from './society.ts'

let index: OpenIndex

beforeAll(async () => {
  index = await openIndex()
})
afterAll(() => index.close())

test('others see of a user what is meant for them', async () => {
  const [common, secret] = [await index.network(), await index.network()]
  const ann = await index.member({ [common]: 'member', [secret]: 'member' }, 'Ann')
  const ben = await index.member({ [common]: 'member' }, 'Ben')
  const own = await index.call(`GET /v1/users/${ann.user}`, { as: ann.ticket })
  expect(own.body.networks).toEqual([common, secret].sort())
  const seen = await index.call(`GET /v1/users/${ann.user}`, { as: ben.ticket })
  expect(seen.body).toEqual({ ...own.body, networks: [common] })
})

test('numbers come back as they were given, beyond the integers too', async () => {
  const attributes = { big: 2 ** 60, great: 1e125, small: -1.5e-130, none: 0 }
  const made = await index.call('POST /v1/users', { as: index.admin, body: { name: 'Ann', attributes } })
  expect(made).toMatchObject({ status: 201, body: { attributes } })
  const read = await index.call(`GET /v1/users/${made.body.user}`, { as: index.admin })
  expect(read.body.attributes).toEqual(attributes)
})

test('a subject of an identity provider has one user', async () => {
  const make = (name: string) =>
    index.call('POST /v1/users', { as: index.admin, body: { name, subject: 'https://id.example#ann' } })
  const answers = await Promise.all([make('Ann'), make('Ann'), make('Anna'), make('Annie')])
  const users = new Set(answers.filter(({ status }) => status === 201).map(({ body }) => body.user))
  expect(users.size).toBe(1)
  expect(answers.map(({ status }) => status).filter((status) => status !== 201)).toContain(409)
})

test('blocks are listed page by page, and taken back', async () => {
  const ann = await index.member({}, 'Ann')
  const others = await Promise.all(Array.from({ length: 5 }, () => index.member({})))
  const door = (blocked: string) => `/v1/users/${ann.user}/blocks/${blocked}`
  for (const { user } of others)
    expect((await index.call(`PUT ${door(user)}`, { as: ann.ticket })).status).toBe(204)
  const [first, ...rest] = others.map(({ user }) => user).sort()
  expect((await index.call(`DELETE ${door(first!)}`, { as: ann.ticket })).status).toBe(204)
  const list = (query: object) =>
    index.call(`GET /v1/users/${ann.user}/blocks`, { as: ann.ticket, query: { limit: '3', ...query } })
  const { body } = await list({})
  expect(body.items).toEqual(rest.slice(0, 3))
  expect((await list({ cursor: body.cursor })).body.items).toEqual(rest.slice(3))
  const forged = Buffer.from('x'.repeat(2_000)).toString('base64url')
  expect((await list({ cursor: forged })).status).toBe(400)
})

test('a ticket says who and nothing that grows', async () => {
  const networks = await Promise.all([1, 2, 3].map(() => index.network()))
  const ann = await index.member(Object.fromEntries(networks.map((network) => [network, 'guest' as const])))
  const claims = JSON.parse(atob(ann.ticket.split('.')[1]!))
  expect(Object.keys(claims).sort()).toEqual(['exp', 'iat', 'sub', 'usr'])
  expect((claims.exp - claims.iat) * 1000).toBe(LIMITS.signInTicketMs)
})

test.each([
  'an API key',
  'the user itself',
])('a user blocks 10,000 and is in 1,000 networks, and not one more: asked by %s', async (by) => {
  const ann = await index.member({}, 'Ann')
  const as = by === 'an API key' ? index.admin : ann.ticket
  const open = { name: 'anybody', joining: 'open' }
  const { client } = index
  const full = Array.from({ length: LIMITS.networksPerUser - 1 }, () => `n_${toBase32(randomBytes(10))}`)
  const update = {
    TableName: tableName('Users'),
    Key: { user: ann.user },
    UpdateExpression: 'SET networks = :networks, blockCount = :blocks',
    ExpressionAttributeValues: { ':networks': new Set(full), ':blocks': LIMITS.blocksPerUser - 1 },
  }
  await client.send(new UpdateCommand(update))
  const block = () => index.call(`PUT /v1/users/${ann.user}/blocks/${newDevice().peer}`, { as })
  expect([(await block()).status, (await block()).status]).toEqual([204, 413])
  const join = async () => {
    const { network } = (await index.call('POST /v1/networks', { as: index.admin, body: open })).body
    return index.call(`PUT /v1/networks/${network}/members/${ann.user}`, { as, body: { role: 'member' } })
  }
  expect([(await join()).status, (await join()).status]).toEqual([200, 413])
})

test('a deleted user leaves nothing behind', async () => {
  const network = await index.network()
  const ann = await index.member({ [network]: 'owner' }, 'Ann')
  await index.call('PUT /v1/objects/notes/mine', { as: ann.ticket, body: { value: { text: 'private' } } })
  expect(await index.call(`DELETE /v1/users/${ann.user}`, { as: ann.ticket })).toMatchObject({
    status: 409,
    body: { detail: expect.stringContaining(network) },
  })
  expect((await index.call(`DELETE /v1/users/${ann.user}`, { as: index.admin })).status).toBe(202)
  const gone = [`/v1/users/${ann.user}`, `/v1/peers/${ann.peer}`, `/v1/objects/notes/mine?owner=${ann.user}`]
  for (const door of gone) expect((await index.call(`GET ${door}`, { as: index.admin })).status).toBe(404)
  expect((await index.call(`GET /v1/networks/${network}/members`, { as: index.admin })).body.items).toEqual(
    [],
  )
  expect((await index.call('GET /v1/networks', { as: ann.ticket })).status).toBe(401)
  const proof = await index.proofOf(ann)
  expect((await index.call('POST /v1/tickets', { body: { proof } })).body.code).toBe('unknown-peer')
})

test('an admin key binds a peer once, to one user', async () => {
  const [ann, ben] = [await index.member({}), await index.member({})]
  const { peer } = newDevice()
  const bind = (user: string) =>
    index.call('POST /v1/peers', { as: index.admin, body: { peer, user, name: 'desk' } })
  expect(await bind(ann.user)).toMatchObject({ status: 201, body: { peer, user: ann.user, name: 'desk' } })
  expect((await bind(ann.user)).status).toBe(200)
  expect(await bind(ben.user)).toMatchObject({ status: 409, body: { code: 'conflict' } })
  expect((await bind('u_aaaaaaaaaaaaaaaa')).status).toBe(404)
})

test('who is invisible sees itself, and nobody else does', async () => {
  const network = await index.network()
  const [ann, ben] = [
    await index.member({ [network]: 'member' }),
    await index.member({ [network]: 'member' }),
  ]
  await index.present(ann, { status: 'invisible', custom: 'busy hiding', metadata: { game: 'chess' } })
  const asSeenBy = async (as: string) => (await index.call(`GET /v1/peers/${ann.peer}`, { as })).body.presence
  expect(await asSeenBy(ann.ticket)).toMatchObject({ status: 'invisible', metadata: { game: 'chess' } })
  for (const as of [ben.ticket, index.admin, index.reader]) {
    expect(await asSeenBy(as)).toMatchObject({ status: 'offline', custom: '', metadata: {} })
  }
})

test('a peer that has signed out has no live metadata left', async () => {
  const ann = await index.member({})
  const { node: _, ...gone } = { status: 'online' as const, metadata: { game: 'chess' }, node: undefined }
  await index.present(ann, { ...gone, node: undefined as never })
  const { body } = await index.call(`GET /v1/peers/${ann.peer}`, { as: ann.ticket })
  expect(body.presence).toMatchObject({ status: 'offline', metadata: {} })
})

test.each([
  ['no name', {}, 400, 'name'],
  ['an empty name', { name: ' ' }, 400, 'name: is empty'],
  ['a long name', { name: 'é'.repeat(65) }, 413, 'name: is longer than 128 bytes'],
  ['half a character', { name: '\ud800' }, 400, 'name: holds half of a character'],
  ['an unknown field', { name: 'x', admin: true }, 400, 'admin'],
  ['attributes that are a list', { name: 'x', attributes: [] }, 400, 'attributes'],
  [
    'many attributes',
    { name: 'x', attributes: { a: 'x'.repeat(16 * 1024) } },
    413,
    'attributes: is longer than 16384 bytes',
  ],
  [
    'a number no table holds',
    { name: 'x', attributes: { a: 1e200 } },
    400,
    'attributes: holds the number 1e+200',
  ],
  ['no JSON', '{"name"', 400, 'no JSON'],
  ['a body beyond all limits', 'x'.repeat(200_000), 413, 'at most'],
])('a user of %s is refused', async (_, body, status, detail) => {
  const answer = await index.call('POST /v1/users', { as: index.admin, body })
  expect(answer).toMatchObject({ status, body: { detail: expect.stringContaining(detail) } })
})

test.each([
  'sw_unknown_x',
  `sw_first_${'a'.repeat(52)}`,
  'a.b.c',
  'x y',
])('the credential %s is none', async (as) => {
  expect(await index.call('GET /v1/users', { as })).toMatchObject({
    status: 401,
    headers: { 'www-authenticate': 'Bearer' },
    body: { code: 'unauthenticated' },
  })
})

test('an API key with another secret, and one that was taken back, are none', async () => {
  const { body } = await index.call('POST /v1/api-keys', {
    as: index.admin,
    body: { name: 'ci', role: 'admin' },
  })
  expect((await index.call('GET /v1/api-keys', { as: body.token })).status).toBe(200)
  const forged = `${body.token.slice(0, -1)}${body.token.endsWith('a') ? 'b' : 'a'}`
  expect((await index.call('GET /v1/api-keys', { as: forged })).status).toBe(401)
  const { body: listed } = await index.call('GET /v1/api-keys', { as: index.admin })
  expect(JSON.stringify(listed)).not.toContain(body.token.split('_')[2])
  await index.call(`DELETE /v1/api-keys/${body.key}`, { as: index.admin })
  expect((await index.call('GET /v1/api-keys', { as: body.token })).status).toBe(401)
})
