/** Batches of objects: all of a batch is written, or nothing. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { NetworkId } from '../../../shared/ids.ts'
import { LIMITS } from '../../../shared/limits.ts'
import { type IndexUnderTest, startIndex } from './index-under-test.ts'
import { interrupt, meanwhile } from './interrupted-client.ts'
import type { Enrolled } from './society.ts'

let index: IndexUnderTest
let network: NetworkId
let ann: Enrolled
let guest: Enrolled
let stranger: Enrolled

beforeAll(async () => {
  index = await startIndex({}, { indexed: false })
  network = await index.network()
  ann = await index.member({ [network]: 'member' })
  guest = await index.member({ [network]: 'guest' })
  stranger = await index.member({})
})
afterAll(() => index.close())

const write = (writes: unknown, as = ann.ticket, place = `?network=${network}`, collection = 'boards') =>
  index.call(`POST /v1/batches/${collection}/writes${place}`, { as, body: { writes } })
const read = async (ids: readonly string[], as = ann.ticket, place = `?network=${network}`) =>
  index.call(`POST /v1/batches/boards/reads${place}`, { as, body: { ids } })
const valuesOf = async (...ids: string[]) =>
  (await read(ids)).body.items.map(({ id, value }: { id: string; value: object }) => [id, value])

test('makes, replaces and deletes', async () => {
  expect(
    await write([
      { id: 'a', value: { n: 1 } },
      { id: 'b', value: { n: 1 } },
    ]),
  ).toMatchObject({
    status: 200,
    body: {
      items: [
        { id: 'a', version: 1 },
        { id: 'b', version: 1 },
      ],
    },
  })
  const { body } = await write([
    { id: 'a', value: { n: 2 }, version: 1 },
    { id: 'b', deleted: true },
    { id: 'c', value: {}, version: 0 },
    { id: 'absent', deleted: true },
  ])
  expect(body.items).toEqual([
    { id: 'a', version: 2 },
    { id: 'b' },
    { id: 'c', version: 1 },
    { id: 'absent' },
  ])
  expect(await valuesOf('c', 'b', 'a')).toEqual([
    ['c', {}],
    ['a', { n: 2 }],
  ])
})

test('of a batch with one write that is not possible, none is made', async () => {
  await write([{ id: 'old', value: { n: 1 } }])
  for (const wrong of [
    { id: 'old', value: { n: 9 }, version: 7 },
    { id: 'old', value: { n: 9 }, version: 0 },
    { id: 'nothing', value: {}, version: 1 },
    { id: 'old', deleted: true, version: 2 },
  ]) {
    const answer = await write([{ id: 'new', value: {} }, wrong])
    expect(answer).toMatchObject({ status: 412, body: { detail: expect.stringContaining('writes.1') } })
  }
  expect(await valuesOf('new', 'nothing', 'old')).toEqual([['old', { n: 1 }]])
})

test('whatever changes between the reads and the write, the batch is made as a whole or not at all', async () => {
  const writes = interrupt(index.client)
  await write([
    { id: 'x', value: { n: 1 } },
    { id: 'y', value: { n: 1 } },
  ])
  const edit = () => write([{ id: 'y', value: { n: 2 } }], index.admin)
  meanwhile(writes, edit)
  const versioned = [
    { id: 'x', value: { n: 3 } },
    { id: 'y', value: { n: 3 }, version: 1 },
  ]
  expect((await write(versioned, index.admin)).status).toBe(412)
  expect(await valuesOf('x', 'y')).toEqual([
    ['x', { n: 1 }],
    ['y', { n: 2 }],
  ])
  meanwhile(writes, () => write([{ id: 'y', value: { n: 4 } }], index.admin))
  const free = [
    { id: 'x', value: { n: 5 } },
    { id: 'y', value: { n: 5 } },
  ]
  expect((await write(free, index.admin)).status).toBe(200)
  expect(await valuesOf('x', 'y')).toEqual([
    ['x', { n: 5 }],
    ['y', { n: 5 }],
  ])
  const leaver = await index.member({ [network]: 'member' })
  meanwhile(writes, () =>
    index.call(`DELETE /v1/networks/${network}/members/${leaver.user}`, { as: index.admin }),
  )
  expect((await write([{ id: 'late', value: {} }], leaver.ticket)).status).toBe(404)
  expect(await valuesOf('late')).toEqual([])
})

test('of batches that come at once with the same version, one wins', async () => {
  await write([{ id: 'race', value: { n: 0 } }])
  const answers = await Promise.all(
    [1, 2, 3, 4].map((n) =>
      write([
        { id: 'race', value: { n }, version: 1 },
        { id: `r${n}`, value: {} },
      ]),
    ),
  )
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412])
  expect((await read(['r1', 'r2', 'r3', 'r4'])).body.items).toHaveLength(1)
})

test('a batch that is sent again is done already', async () => {
  const batch = [
    { id: 'once', value: { n: 1 }, version: 0 },
    { id: 'twice', value: { n: 1 } },
  ]
  const [first, second] = [await write(batch), await write(batch)]
  expect(second).toMatchObject({ status: 200, body: first.body })
  const next = [{ id: 'once', value: { n: 2 }, version: 1 }]
  expect((await write(next)).body).toEqual((await write(next)).body)
  // The same version with another value is another write.
  expect((await write([{ id: 'once', value: { n: 3 }, version: 1 }])).status).toBe(412)
})

test('who may write and read', async () => {
  const made = [{ id: 'of-ann', value: {} }]
  expect((await write(made)).status).toBe(200)
  expect((await write([{ id: 'g', value: {} }], guest.ticket)).status).toBe(403)
  expect((await write([{ id: 'absent', deleted: true }], guest.ticket)).status).toBe(403)
  expect((await write([{ id: 'g', value: {} }], index.reader)).status).toBe(403)
  expect((await read(['of-ann'], guest.ticket)).body.items).toHaveLength(1)
  expect((await read(['of-ann'], index.reader)).body.items).toHaveLength(1)
  for (const place of [`?network=${network}`, `?owner=${ann.user}`]) {
    expect((await write(made, stranger.ticket, place)).status).toBe(404)
    expect((await read(['of-ann'], stranger.ticket, place)).status).toBe(404)
  }
  // A member edits its own objects, and those of others only where that is declared.
  const ben = await index.member({ [network]: 'member' })
  const others = [
    { id: 'of-ben', value: {} },
    { id: 'of-ann', value: { n: 1 } },
  ]
  expect((await write(others, ben.ticket)).status).toBe(403)
  expect((await read(['of-ben'])).body.items).toEqual([])
  await index.call('PUT /v1/collections/boards', { as: index.admin, body: { editable: 'members' } })
  expect((await write(others, ben.ticket)).status).toBe(200)
  const [object] = (await read(['of-ann'])).body.items
  expect(object).toMatchObject({ owner: ann.user, network, version: 2 })
})

test('private objects are of their owner', async () => {
  expect((await write([{ id: 'mine', value: { secret: true } }], ann.ticket, '')).status).toBe(200)
  expect((await read(['mine'], ann.ticket, '')).body.items).toHaveLength(1)
  expect((await read(['mine'], guest.ticket, '')).body.items).toEqual([])
  expect((await read(['mine'], index.admin, `?owner=${ann.user}`)).body.items).toHaveLength(1)
  expect((await write([{ id: 'b', value: {} }], index.admin, `?owner=${ann.user}`)).status).toBe(400)
  expect((await write([{ id: 'b', value: {} }], index.admin, '')).status).toBe(400)
})

test.each([
  [[]],
  [
    [
      { id: 'a', value: {} },
      { id: 'a', deleted: true },
    ],
  ],
  [[{ id: 'a' }]],
  [[{ id: 'a', value: {}, deleted: true }]],
  [[{ id: 'a', deleted: false }]],
  [[{ id: '__proto__', value: {} }]],
  [[{ id: 'a/b', value: {} }]],
  [[{ id: 'a', value: [] }]],
  [[{ id: 'a', value: {}, version: -1 }]],
  [[{ id: 'a', value: {}, version: '1' }]],
  [[{ id: 'a', value: {}, owner: 'u_aaaaaaaaaaaaaaaa' }]],
  ['all'],
  [Array.from({ length: LIMITS.batchWrites + 1 }, (_, n) => ({ id: `n${n}`, value: {} }))],
])('the writes %j are refused', async (writes) => {
  expect((await write(writes)).status).toBe(400)
})

test('a value keeps the names that it has', async () => {
  const value = { constructor: { prototype: 1 }, toString: 'text' }
  await write([{ id: 'names', value }])
  expect(await valuesOf('names')).toEqual([['names', value]])
  const body = `{"writes":[{"id":"p","value":{"__proto__":{"admin":true}}}]}`
  const answer = await index.call(`POST /v1/batches/boards/writes?network=${network}`, {
    as: ann.ticket,
    body,
  })
  expect(answer.status).toBe(400)
})

test('a batch is as large as it may be, in objects and in bytes', async () => {
  const full = Array.from({ length: LIMITS.batchWrites }, (_, n) => ({ id: `full${n}`, value: { n } }))
  expect((await write(full)).status).toBe(200)
  expect((await write(full.map(({ id }) => ({ id, deleted: true })))).status).toBe(200)
  // Letters of three bytes: what counts is bytes.
  const text = '€'.repeat(Math.floor((LIMITS.objectBytes - 16) / 3))
  const large = Array.from({ length: 15 }, (_, n) => ({ id: `large${n}`, value: { text } }))
  expect((await write(large)).status).toBe(200)
  expect((await write([{ id: 'larger', value: { text: `${text}€€€€€€€€` } }])).status).toBe(413)
  const more = Array.from({ length: 17 }, (_, n) => ({ id: `more${n}`, value: { text } }))
  expect((await write(more)).status).toBe(413)
  // A read ends early, and says what is left.
  const found: string[] = []
  let ids: readonly string[] = large.map(({ id }) => id)
  let rounds = 0
  while (ids.length > 0) {
    const { body } = await read(ids)
    expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThan(3 * LIMITS.pageBytes)
    found.push(...body.items.map(({ id }: { id: string }) => id))
    ids = body.rest
    rounds++
  }
  expect(found).toEqual(large.map(({ id }) => id))
  expect(rounds).toBe(2)
})
