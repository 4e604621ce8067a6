/** HTTP's requirements on all routes (RFC 9110), tested by a walk over all of them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { API } from '../../../functions/rest/api.ts'
import type { NetworkId } from '../../../shared/ids.ts'
import { type IndexUnderTest, startIndex } from './index-under-test.ts'
import { type Enrolled, newDevice } from './society.ts'

const hearing = { name: 'walk', url: 'https://example.com/', events: ['user.*'] }

let index: IndexUnderTest
let network: NetworkId
let ann: Enrolled
let doorOf: (path: string) => string

beforeAll(async () => {
  index = await startIndex()
  network = await index.network('walk')
  ann = await index.member({ [network]: 'owner' })
  const as = index.admin
  await index.call('PUT /v1/collections/walk', { as, body: { searchable: ['value.a'] } })
  await index.call(`PUT /v1/objects/walk/o?network=${network}`, { as, body: { value: { a: 1 } } })
  const invite = await index.call(`POST /v1/networks/${network}/invites`, { as, body: {} })
  const gone = await index.call(`DELETE /v1/users/${(await index.member({})).user}`, { as })
  const hook = await index.call('POST /v1/webhooks', { as, body: hearing })
  const parts: Readonly<Record<string, string>> = {
    ...{ network, user: ann.user, peer: ann.peer, blocked: ann.peer, invite: invite.body.invite },
    ...{
      collection: 'walk',
      id: 'o',
      key: index.admin.split('_')[1]!,
      job: gone.body.job,
      webhook: hook.body.webhook,
    },
  }
  doorOf = (path) => path.replace(/\{(\w+)\}/g, (_, name) => parts[name]!)
  await index.settle()
})
afterAll(() => index.close())

/** Query parameters that a route requires. */
const queryOf = (operation: string) => ({
  ...(operation === 'search' && { entity: 'peer' }),
  ...(/^(read|put|update|delete)Object$/.test(operation) && { network }),
})

const READING = API.filter(({ method }) => method === 'GET')
const PATHS = [...new Set(API.map(({ path }) => path))]
/**
 * Routes with an ETag that the tests can repeat. Other answers may change each time, with a clock or with what others do
 * meanwhile.
 */
const TAGGED = ['readUser', 'readNetwork', 'readPeer', 'readCollection', 'readObject', 'readWebhook']

describe.each(
  API.map(({ operation, method, path }) => ({ operation, method, path })),
)('$method $path', (route) => {
  test('refuses a parameter that it does not know, and one that is given twice', async () => {
    const as = index.admin
    const door = `${route.method} ${doorOf(route.path)}`
    const body = route.method === 'GET' || route.method === 'DELETE' ? {} : { body: {} }
    for (const name of ['nope', 'Limit', 'constructor', '$filter'])
      expect(
        await index.call(door, { as, ...body, query: { ...queryOf(route.operation), [name]: '1' } }),
      ).toMatchObject({
        status: 400,
        body: { code: 'bad-request', detail: expect.stringContaining(name) },
      })
  })
})

describe.each(READING.map(({ operation, path }) => ({ operation, path })))('GET $path', ({
  operation,
  path,
}) => {
  const ask = (method: string, headers: Readonly<Record<string, string>> = {}) =>
    index.call(`${method} ${doorOf(path)}`, { as: index.admin, query: queryOf(operation), headers })

  test('is answered to HEAD with the same headers and no body', async () => {
    const [get, head] = [await ask('GET'), await ask('HEAD')]
    expect(get.status, JSON.stringify(get.body)).toBe(200)
    expect(head).toMatchObject({ status: 200, body: undefined })
    expect(head.headers).toEqual({ ...get.headers, 'x-request-id': expect.any(String) })
  })

  if (!TAGGED.includes(operation)) return

  test('has an ETag: 304 for whoever has it, in a list and weak as well', async () => {
    const { etag = '' } = (await ask('GET')).headers
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`, ` W/"a,b" ,${etag} , "y"`, '*'])
      for (const method of ['GET', 'HEAD'])
        expect(await ask(method, { 'If-None-Match': known }), known).toMatchObject({
          ...{ status: 304, body: undefined, headers: { etag } },
        })
    for (const other of ['"x"', 'W/"77", "78"', '""'])
      expect((await ask('GET', { 'If-None-Match': other })).status, other).toBe(200)
    expect((await ask('GET', { 'If-None-Match': etag.replaceAll('"', '') })).status).toBe(400)
    expect((await ask('GET', { 'If-Match': '"77"' })).status).toBe(412)
  })
})

describe.each(PATHS)('%s', (path) => {
  const methods = API.filter((route) => route.path === path).map(({ method }) => method as string)
  const others = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE'].filter((each) => !methods.includes(each))

  test('answers 405 to what it does not do and says what it does, to anybody', async () => {
    for (const method of others) {
      const { status, headers, body } = await index.call(`${method} ${doorOf(path)}`)
      expect({ status, code: body.code }, method).toEqual({ status: 405, code: 'method-not-allowed' })
      const head = methods.includes('GET') ? ['HEAD'] : []
      expect(headers.allow!.split(', ').sort()).toEqual([...methods, ...head, 'OPTIONS'].sort())
    }
  })
})

test('whatever is made, or begun, is where its Location says, for whoever made it', async () => {
  const as = { key: index.admin, ticket: ann.ticket }
  const { body: invite } = await index.call(`POST /v1/networks/${network}/invites`, { as: as.key, body: {} })
  const [leaver, doomed] = [await index.member({}), await index.network()]
  const bodies: Readonly<Record<string, readonly (readonly [as: string, door: string, body?: unknown])[]>> = {
    createUser: [[as.key, '/v1/users', { name: 'x' }]],
    createPeer: [[as.key, '/v1/peers', { peer: newDevice().peer, user: ann.user }]],
    createNetwork: [
      [as.key, '/v1/networks', { name: 'x' }],
      [as.ticket, '/v1/networks', { name: 'x' }],
    ],
    createInvite: [
      [as.key, `/v1/networks/${network}/invites`, {}],
      [as.ticket, `/v1/networks/${network}/invites`, {}],
      [as.ticket, `/v1/networks/${network}/invites`, { user: ann.user }],
    ],
    putObject: [
      [as.key, `/v1/objects/walk/made-by-key?network=${network}`, { value: {} }],
      [as.ticket, `/v1/objects/walk/made?network=${network}`, { value: {} }],
      [as.ticket, '/v1/objects/walk/private', { value: {} }],
    ],
    createWebhook: [[as.key, '/v1/webhooks', hearing]],
    createApiKey: [[as.key, '/v1/api-keys', { name: 'x', role: 'read' }]],
    deleteUser: [[leaver.ticket, `/v1/users/${leaver.user}`]],
    deleteNetwork: [[as.key, `/v1/networks/${doomed}`]],
    createEnrolment: [],
  }
  const making = API.filter(({ answers }) => answers[201] !== undefined || answers[202] !== undefined)
  expect(making.map(({ operation }) => operation).sort()).toEqual(Object.keys(bodies).sort())
  for (const { operation, method } of making)
    for (const [credential, door, body] of bodies[operation]!) {
      const made = await index.call(`${method} ${door}`, {
        as: credential,
        ...(body !== undefined && { body }),
      })
      expect([201, 202], `${door} ${JSON.stringify(made.body)}`).toContain(made.status)
      // After deleting its own account a user has no credential any more.
      const reads = operation === 'deleteUser' ? as.key : credential
      const there = await index.call(`GET ${made.headers.location}`, { as: reads })
      expect(there.status, `${operation}: ${made.headers.location}`).toBe(200)
    }
  const proof = await index.proofOf(newDevice())
  const enrolled = await index.call('POST /v1/enrolments', { body: { invite: invite.code, proof } })
  const { location } = enrolled.headers
  expect((await index.call(`GET ${location}`, { as: enrolled.body.ticket })).status).toBe(200)
})

describe('a name', () => {
  test('is kept in NFC and found however it is composed and capitalised', async () => {
    const as = index.admin
    const made = await Promise.all([
      index.call('POST /v1/users', { as, body: { name: 'Zoe\u0308 A\u030angstro\u0308m' } }),
      index.call('POST /v1/networks', { as, body: { name: 'Zoe\u0308 A\u030angstro\u0308m' } }),
    ])
    for (const { body } of made) expect(body.name).toBe('Zo\u00eb \u00c5ngstr\u00f6m')
    await index.settle()
    for (const entity of ['users', 'networks'])
      for (const [operator, name] of [
        ['eq', 'Zo\u00eb \u00c5ngstr\u00f6m'],
        ['eq', 'Zoe\u0308 A\u030angstro\u0308m'],
        ['eq', 'ZO\u00cb \u00c5NGSTR\u00d6M'],
        ['eq', 'zoe\u0308 a\u030angstro\u0308m'],
        ['sw', 'ZOE\u0308'],
        ['co', '\u00e5ngstro\u0308'],
      ]) {
        const filter = `name ${operator} "${name}"`
        const { body } = await index.call(`GET /v1/${entity}`, { as, query: { filter } })
        expect(body.items, `${entity}: ${filter}`).toHaveLength(1)
      }
  })

  test.each([
    ['an overlong slash', [0xc0, 0xaf]],
    ['half of a character', [0xed, 0xa0, 0x80]],
    ['a lone continuation', [0x80]],
    ['a letter cut short', [0xe2, 0x82]],
    ['a byte that UTF-8 never has', [0xff]],
  ])('of bytes that are no UTF-8 is refused at every route with a body: %s', async (_, bytes) => {
    const base64 = Buffer.from([...Buffer.from('{"name":"'), ...bytes, ...Buffer.from('"}')]).toString(
      'base64',
    )
    for (const { method, path, operation } of API.filter(({ body }) => body !== undefined)) {
      const door = `${method} ${doorOf(path)}`
      const answer = await index.call(door, { as: index.admin, base64, query: queryOf(operation) })
      expect(answer.status, door).toBe(400)
    }
  })
})
