import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type IndexUnderTest, startIndex } from './index-under-test.ts'

let index: IndexUnderTest

beforeAll(async () => {
  index = await startIndex({}, { indexed: false })
})
afterAll(() => index.close())

describe('JSON', () => {
  test.each([
    '{"constructor":"x"}',
    '{"constructor":{"name":"Set"},"size":0}',
    '{"a":{"constructor":{"name":"Map"}},"b":[{"constructor":{"name":"Uint8Array"}}]}',
    '{"toString":1,"hasOwnProperty":null,"valueOf":{},"then":"x","toJSON":"y","length":-1}',
    '{"prototype":{"constructor":"y"},"isPrototypeOf":[]}',
    '{"a":-0.0,"b":1e125,"c":-1e-130,"d":9007199254740993,"e":[[[[]]]],"f":{}}',
    '{"emoji":"\\ud83d\\ude00","nul":"\\u0000","\\u0000":1}',
  ])('that names what JavaScript knows is kept as it is: %s', async (text) => {
    const { ticket: as } = await index.member({})
    const door = `/v1/objects/names/o${index.now()}-${Math.floor(performance.now() * 1000)}`
    const value = JSON.parse(text)
    const made = await index.call(`PUT ${door}`, { as, body: `{"value":${text}}` })
    expect(made.status, JSON.stringify(made.body)).toBe(201)
    expect((await index.call(`GET ${door}`, { as })).body.value).toEqual(JSON.parse(JSON.stringify(value)))
    const edited = await index.call(`PATCH ${door}`, { as, body: { value: { more: true } } })
    expect(edited).toMatchObject({ status: 200, body: { value: { more: true } } })
  })

  test.each([
    ['half a character in a name', '{"value":{"\\ud800":1}}'],
    ['half a character deep in a name', '{"value":{"a":[{"\\udfff":1}]}}'],
    ['half a character in a text', '{"value":{"a":"\\udc00"}}'],
    ['the name __proto__', '{"value":{"a":{"__proto__":1}}}'],
    ['a number beyond all', '{"value":{"a":1e400}}'],
    ['a number no table holds', '{"value":{"a":1e-200}}'],
    ['a byte order mark', '\ufeff{"value":{}}'],
    ['NaN', '{"value":{"a":NaN}}'],
    ['depth', `{"value":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`],
    ['a list as its whole', '[]'],
    ['null as its whole', 'null'],
  ])('with %s is refused', async (_, body) => {
    const { ticket: as } = await index.member({})
    const answer = await index.call('PUT /v1/objects/names/refused', { as, body })
    expect(answer.status, JSON.stringify(answer.body)).toBe(400)
  })

  test('that is no UTF-8 is refused', async () => {
    const body = Buffer.from([0x7b, 0x22, 0x6e, 0x61, 0x6d, 0x65, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d])
    const answer = await index.call('POST /v1/users', { as: index.admin, base64: body.toString('base64') })
    expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining('UTF-8') } })
  })

  test('names that look the same are the same', async () => {
    const body = { name: 'Zoe\u0308' }
    expect((await index.call('POST /v1/users', { as: index.admin, body })).body.name).toBe('Zo\u00eb')
  })
})

describe('a parameter', () => {
  test.each([
    ['GET /v1/users', { sortby: 'name' }, 'sortby'],
    ['GET /v1/networks/n_aaaaaaaaaaaaaaaa/members', { filter: 'x' }, 'filter'],
    ['GET /v1/users', { constructor: 'x' }, 'constructor'],
    ['GET /v1/users', { __proto__x: 'x' }, '__proto__x'],
    ['GET /v1/health', { a: '1' }, 'a'],
    ['GET /v1/api-keys', { limit: '1e1' }, 'limit'],
    ['GET /v1/api-keys', { limit: '٣' }, 'limit'],
    ['GET /v1/api-keys', { limit: '-0' }, 'limit'],
    ['GET /v1/api-keys', { cursor: Buffer.from('\ud800').toString('base64url') }, 'cursor'],
    ['GET /v1/api-keys', { cursor: Buffer.from('x'.repeat(3000)).toString('base64url') }, 'cursor'],
    ['GET /v1/collections', { cursor: '\ud800' }, 'half of a character'],
    ['GET /v1/users', { cursor: '!' }, 'cursor'],
    ['GET /v1/jobs', { cursor: Buffer.from('n_x').toString('base64url') }, 'cursor'],
  ])('of %s that is none, or is %j, is refused', async (door, query, detail) => {
    const answer = await index.call(door, { as: index.admin, query })
    expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining(detail) } })
  })

  test.each([
    '/v1/users/%ff',
    '/v1/users/%ED%A0%80',
    '/v1/users/%',
    '/v1/objects/things/%F0%9F',
  ])('in the path %s is no text, and nothing fails of it', async (path) => {
    expect([400, 404]).toContain((await index.call(`GET ${path}`, { as: index.admin })).status)
  })
})

describe('a method', () => {
  test('that a path does not have is answered 405 with those it has', async () => {
    const answer = await index.call('DELETE /v1/users', { as: index.admin })
    expect(answer).toMatchObject({
      status: 405,
      headers: { allow: 'POST, GET, HEAD, OPTIONS' },
      body: { code: 'method-not-allowed' },
    })
    expect((await index.call('PUT /v1/nothing', { as: index.admin })).status).toBe(404)
  })

  test('HEAD answers as GET does, without a body', async () => {
    const network = await index.network()
    const [get, head] = [
      await index.call(`GET /v1/networks/${network}`, { as: index.admin }),
      await index.call(`HEAD /v1/networks/${network}`, { as: index.admin }),
    ]
    expect(head).toMatchObject({ status: 200, headers: { etag: get.headers.etag }, body: undefined })
    expect(await index.call('HEAD /v1/users/u_aaaaaaaaaaaaaaaa', { as: index.admin })).toMatchObject({
      status: 404,
      body: undefined,
    })
  })
})

describe('an ETag', () => {
  test('that the caller has is answered 304, until something changes', async () => {
    const network = await index.network()
    const ann = await index.member({ [network]: 'owner' })
    await index.call(`PUT /v1/objects/tags/o?network=${network}`, { as: ann.ticket, body: { value: {} } })
    const doors = [
      `/v1/users/${ann.user}`,
      `/v1/peers/${ann.peer}`,
      `/v1/networks/${network}`,
      `/v1/objects/tags/o?network=${network}`,
    ]
    for (const door of doors) {
      const { etag } = (await index.call(`GET ${door}`, { as: ann.ticket })).headers
      const again = () =>
        index.call(`GET ${door}`, { as: ann.ticket, headers: { 'If-None-Match': `"0", ${etag}` } })
      expect(await again(), door).toMatchObject({ status: 304, body: undefined, headers: { etag } })
      await index.call('POST /v1/networks', { as: ann.ticket, body: { name: 'more' } })
      await index.present(ann, { custom: door })
      await index.member({ [network]: 'owner' })
      expect((await again()).status, door).toBe(door.includes('objects') ? 304 : 200)
    }
  })

  test.each([
    ['If-None-Match: "77" does not forbid an edit of version 1', { 'If-None-Match': '"77"' }, 200],
    ['If-None-Match: "1" forbids one of version 1', { 'If-None-Match': '"1"' }, 412],
    ['If-None-Match: W/"1" does as well', { 'If-None-Match': 'W/"1"' }, 412],
    ['If-None-Match: * forbids one of what is there', { 'If-None-Match': '*' }, 412],
    ['If-Match: * allows one of what is there', { 'If-Match': '*' }, 200],
    ['If-Match with a list allows any of it', { 'If-Match': '"7", "1"' }, 200],
    ['If-Match: W/"1" matches nothing', { 'If-Match': 'W/"1"' }, 412],
    ['If-Match with a tag of somebody else matches nothing', { 'If-Match': '"abc"' }, 412],
    ['If-Match that is no list of tags is refused', { 'If-Match': '1' }, 400],
    ['If-Match of half a character is refused', { 'If-Match': '"\ud800' }, 400],
  ] as const)('%s', async (name, headers, status) => {
    const { ticket: as } = await index.member({})
    const door = `PUT /v1/objects/tags/${name.replace(/[^A-Za-z0-9]/g, '')}`
    await index.call(door, { as, body: { value: {} } })
    expect((await index.call(door, { as, body: { value: { n: 1 } }, headers })).status).toBe(status)
  })

  test('If-Match on what is not there yet is a failed precondition', async () => {
    const { ticket: as } = await index.member({})
    const call = { as, body: { value: {} }, headers: { 'If-Match': '*' } }
    expect((await index.call('PUT /v1/objects/tags/absent', call)).status).toBe(412)
  })
})

describe('what is made', () => {
  test('is where its Location says', async () => {
    const network = await index.network()
    const as = index.admin
    const made = [
      await index.call('POST /v1/users', { as, body: { name: 'x' } }),
      await index.call('POST /v1/networks', { as, body: { name: 'x' } }),
      await index.call(`POST /v1/networks/${network}/invites`, { as, body: {} }),
      await index.call('POST /v1/api-keys', { as, body: { name: 'x', role: 'read' } }),
    ]
    for (const { headers } of made)
      expect((await index.call(`GET ${headers.location}`, { as })).status).toBe(200)
  })
})

test('the last admin key stays, also of two that delete each other', async () => {
  const lone = await startIndex({}, { indexed: false })
  const { body: other } = await lone.call('POST /v1/api-keys', {
    as: lone.admin,
    body: { name: 'other', role: 'admin' },
  })
  const first = lone.admin.split('_')[1]
  const outcomes = await Promise.all([
    lone.call(`DELETE /v1/api-keys/${other.key}`, { as: lone.admin }),
    lone.call(`DELETE /v1/api-keys/${first}`, { as: other.token }),
  ])
  expect(outcomes.filter(({ status }) => status === 204)).toHaveLength(1)
  const left = outcomes[0]?.status === 204 ? lone.admin : other.token
  const last = await lone.call(`DELETE /v1/api-keys/${left.split('_')[1]}`, { as: left })
  expect(last).toMatchObject({ status: 409, body: { code: 'conflict' } })
  expect((await lone.call('GET /v1/api-keys', { as: left })).status).toBe(200)
  await lone.close()
})
