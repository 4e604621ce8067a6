/** A member sends the most expensive searches it can construct, and forges cursors. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NetworkId } from '../../../shared/ids.ts'
import { LIMITS } from '../../../shared/limits.ts'
import { compareBytes } from '../../../shared/model/search/history.ts'
import { createObjects } from '../../../shared/store/objects.ts'
import { forEach } from '../../../shared/store/pages.ts'
import { type IndexUnderTest, startIndex } from './index-under-test.ts'
import type { Enrolled } from './society.ts'

let index: IndexUnderTest
let network: NetworkId
let foreign: NetworkId
let mallory: Enrolled
let ben: Enrolled

const SMALL = 200
const LARGE = 30
const TEXT = 'x'.repeat(100_000)

beforeAll(async () => {
  index = await startIndex()
  ;[network, foreign] = [await index.network(), await index.network()]
  mallory = await index.member({ [network]: 'guest' }, 'mallory')
  ben = await index.member({ [network]: 'member', [foreign]: 'member' }, 'ben')
  const searchable = ['value.level', 'value.tags', 'value.kind']
  await index.call('PUT /v1/collections/games', { as: index.admin, body: { searchable } })
  await index.settle()
  const objects = createObjects(index.client)
  const make = async (place: NetworkId, id: string, value: object) => {
    await objects.create({ collection: 'games', id, network: place, value: value as never }, index.now())
  }
  await forEach(Array.from(Array(SMALL).keys()), (i) =>
    make(network, `s${i}`, {
      level: i,
      kind: i % 2 ? 'chess' : 'go',
      tags: [`t${i % 7}`, 'all', i],
      deep: { x: i },
    }),
  )
  await forEach(Array.from(Array(LARGE).keys()), (i) => make(network, `l${i}`, { level: -i - 1, text: TEXT }))
  await forEach(Array.from(Array(20).keys()), (i) => make(foreign, `f${i}`, { level: i, kind: 'secret' }))
  await index.settle(2)
})
afterAll(() => index.close())

/** Refuses start keys as DynamoDB does, unlike the embedded engine: those outside of the range, and those that are too long. */
function expectStartKeysOf({ middlewareStack }: IndexUnderTest['client']): void {
  middlewareStack.remove('start-keys')
  middlewareStack.add(
    (next) => async (args) => {
      const { ExclusiveStartKey: start, ExpressionAttributeValues: values = {} } = args.input as Query
      const entry = start?.entry
      if (
        entry !== undefined &&
        (compareBytes(entry, values[':from']!) < 0 || compareBytes(entry, values[':to']!) > 0)
      )
        throw new Error('The provided starting key is outside query boundaries based on provided conditions')
      if (entry !== undefined && Buffer.byteLength(entry) > 1024)
        throw new Error('Size of rangekey has exceeded the maximum size limit of 1024 bytes')
      return next(args)
    },
    { step: 'initialize', name: 'start-keys', priority: 'high' },
  )
}

interface Query {
  readonly ExclusiveStartKey?: { readonly entry?: string }
  readonly ExpressionAttributeValues?: Readonly<Record<string, string>>
}

const repeated = (part: (i: number) => string, by: string): string => {
  let text = part(0)
  for (let i = 1; ; i++) {
    const longer = `${text}${by}${part(i)}`
    if (longer.length > LIMITS.filterBytes) return text
    text = longer
  }
}
const wrapped = (before: string, inside: string, after: string, times: number) =>
  before.repeat(times) + inside + after.repeat(times)

describe('a filter of the greatest cost', () => {
  test.each([
    ['names nothing that is indexed', 'value.text co "nowhere"'],
    ['denies everything', 'not (value.none pr)'],
    ['denies in 16 brackets', wrapped('not (', 'value.text ew "y"', ')', 16)],
    ['has as many values as fit', repeated((i) => `value.level eq ${i}`, ' or ')],
    ['has as many ranges as fit', repeated((i) => `value.level gt ${i} and value.tags sw "${i}"`, ' or ')],
    ['compares one text as often as fits', repeated((i) => `value.text co "${i}"`, ' and ')],
    ['looks into lists within lists', wrapped('value[', 'tags eq "all"', ']', 14)],
    ['follows a path as long as fits', `${repeated(() => 'a', '.').slice(0, 399)} pr or value.level ne 7`],
    ['is true for texts that start with nothing', 'value.kind sw "" or value.tags sw ""'],
    [
      'denies as many parts as fit',
      `not (${repeated((i) => `value.kind eq "${i}"`, ' or ')
        .split(' or ')
        .slice(3)
        .join(' or ')})`,
    ],
  ])('that %s is answered in pages within the bounds', async (_, filter) => {
    let cursor: string | undefined
    let pages = 0
    const seen: string[] = []
    do {
      const query = { filter, limit: '100', ...(cursor && { cursor }) }
      const { status, body, cost } = await index.measured('GET /v1/objects/games', {
        as: mallory.ticket,
        query,
      })
      expect(status, JSON.stringify(body)).toBe(200)
      expect(cost.units).toBeLessThanOrEqual(LIMITS.searchReadUnits)
      expect(cost.calls).toBeLessThanOrEqual(LIMITS.searchReadUnits * 2)
      expect(JSON.stringify(body).length).toBeLessThan(LIMITS.pageBytes + LIMITS.objectBytes)
      seen.push(...body.items.map(({ id }: { id: string }) => id))
      cursor = body.cursor
      pages++
    } while (cursor !== undefined)
    expect(pages).toBeLessThan(20)
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen.filter((id) => id.startsWith('f'))).toEqual([])
  })

  test.each([
    ['17 brackets within brackets', wrapped('(', 'a pr', ')', 17), /no more than 16 brackets/],
    ['17 denials', wrapped('not (', 'a pr', ')', 17), /no more than 16 brackets/],
    ['thousands of terms', `${'a pr or '.repeat(5_000)}a pr`, /longer than 512 bytes/],
    ['a thousand brackets', '('.repeat(1_000), /longer than 512 bytes/],
    ['no end', '('.repeat(10), /expected an attribute/],
    ['an order of booleans', 'value.open gt true', /a "text" or a number after `gt`/],
    ['a number beyond doubles', 'value.level lt 1e999', /within the range of a double/],
    ['half an escape', 'value.kind eq "\\u12"', /the escapes of JSON/],
    ['nothing', '', /expected an attribute/],
  ])('that has %s is refused before anything is searched', async (_, filter, detail) => {
    const answer = await index.measured('GET /v1/objects/games', { as: mallory.ticket, query: { filter } })
    expect(answer).toMatchObject({ status: 400, body: { code: 'bad-request' } })
    expect(answer.body.detail).toMatch(detail)
    expect(answer.body.detail.length).toBeLessThan(300)
    expect(answer.cost.units).toBeLessThanOrEqual(5)
  })

  test.each([
    'value.text',
    'value.none',
    'constructor',
    '__proto__',
    'metadata.level',
    '',
    'x'.repeat(2_000),
  ])('an order by %.20s, which is not declared, is refused', async (sortBy) => {
    const answer = await index.measured('GET /v1/objects/games', { as: mallory.ticket, query: { sortBy } })
    expect(answer).toMatchObject({ status: 400, body: { code: 'bad-request' } })
    expect(answer.body.detail).toMatch(/^sortBy/)
    expect(answer.body.detail.length).toBeLessThan(300)
  })
})

describe('a cursor', () => {
  const ask = (as: string, query: Record<string, string>) =>
    index.measured('GET /v1/objects/games', { as, query })
  const first = async (as: string, query: Record<string, string>): Promise<string> => {
    const { body } = await ask(as, { limit: '3', ...query })
    expect(body.cursor, JSON.stringify(body)).toBeDefined()
    return body.cursor
  }
  const changed = (cursor: string, change: (parts: unknown[]) => void): string => {
    const parts = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
    change(parts)
    return Buffer.from(JSON.stringify(parts)).toString('base64url')
  }

  test.each([
    ['filter', { filter: 'value.level ge 0' }, { filter: 'value.level ge 1' }],
    ['order', { sortBy: 'value.level' }, { sortBy: 'value.level', sortOrder: 'descending' }],
    ['kind', { filter: 'value.kind eq "go"' }, { sortBy: 'value.kind' }],
  ] as const)('of another %s is refused', async (_, own, other) => {
    const cursor = await first(mallory.ticket, own)
    const answer = await ask(mallory.ticket, { ...other, cursor })
    expect(answer).toMatchObject({ status: 400, body: { code: 'bad-request' } })
    expect(answer.body.detail).toMatch(/^cursor: /)
  })

  test('of another user shows nothing but what the one who uses it may see', async () => {
    for (const query of [{}, { filter: 'value.level ge 0' }, { sortBy: 'value.level' }]) {
      let cursor: string | undefined = await first(ben.ticket, query)
      while (cursor !== undefined) {
        const { status, body, cost } = await ask(mallory.ticket, { ...query, cursor })
        expect(status).toBe(200)
        expect(cost.units).toBeLessThanOrEqual(LIMITS.searchReadUnits)
        for (const item of body.items) expect(item.network).toBe(network)
        cursor = body.cursor
      }
    }
  })

  test('that was made up is refused, or answered within the bounds with what its maker may see', async () => {
    const filter = 'value.level ge 0'
    const cursor = await first(mallory.ticket, { filter })
    const forged = [
      changed(cursor, (parts) => (parts[1] = index.now() + 3_600_000)),
      changed(cursor, (parts) => (parts[1] = 0)),
      changed(cursor, (parts) => (parts[1] = Number.MAX_SAFE_INTEGER)),
      changed(cursor, (parts) => (parts[2] = [['value.text', true]])),
      changed(cursor, (parts) => (parts[2] = Array(64).fill(['value.level', true]))),
      changed(cursor, (parts) => (parts[2] = [])),
      changed(cursor, (parts) => (parts[3] = foreign)),
      changed(cursor, (parts) => (parts[3] = '\uffff')),
      changed(cursor, (parts) => (parts[4] = 99)),
      changed(cursor, (parts) => (parts[4] = -1)),
      changed(cursor, (parts) => (parts[5] = `n\u0001${'x'.repeat(900)}`)),
      changed(cursor, (parts) => (parts[5] = '')),
      changed(cursor, (parts) => (parts[5] = 's\u0001x')),
      changed(cursor, (parts) => (parts[5] = 'a')),
      changed(cursor, (parts) => (parts[5] = '\u{10ffff}'.repeat(200))),
      changed(cursor, (parts) => parts.push('more')),
      Buffer.from('null').toString('base64url'),
      Buffer.from('[]').toString('base64url'),
      Buffer.from(`[${'['.repeat(2_000)}`).toString('base64url'),
      'A',
    ]
    expectStartKeysOf(index.client)
    for (const one of forged) {
      const { status, body, cost } = await ask(mallory.ticket, { filter, cursor: one })
      expect([200, 400, 410], `${one} ${JSON.stringify(body)}`).toContain(status)
      expect(cost.units).toBeLessThanOrEqual(LIMITS.searchReadUnits)
      for (const item of body.items ?? []) expect(item.network).toBe(network)
      if (status !== 200) expect(body.detail).toMatch(/cursor/)
    }
  })

  test.each([
    ['ids', { filter: 'value.kind eq "go" or value.kind eq "chess"' }],
    ['values', { sortBy: 'value.kind' }],
    ['values, the last first', { sortBy: 'value.kind', sortOrder: 'descending' }],
  ])('that names a place outside of what is read in the order of %s is refused or ends', async (_, query) => {
    const cursor = await first(mallory.ticket, query)
    expectStartKeysOf(index.client)
    for (const place of [
      'a',
      'a\u0001a',
      'schess',
      'zzz',
      'zzz\u0001a',
      '\u{10ffff}',
      '\u{10ffff}\u{10ffff}',
      'x'.repeat(1_020),
    ]) {
      const forged = changed(cursor, (parts) => (parts[5] = place))
      const { status, body } = await ask(mallory.ticket, { ...query, cursor: forged })
      expect([200, 400], `${place} ${JSON.stringify(body)}`).toContain(status)
    }
  })

  test('names when its search began: one from the future is refused, one that is too old is gone', async () => {
    const query = { sortBy: 'value.level' }
    const cursor = await first(mallory.ticket, query)
    const soon = changed(cursor, (parts) => (parts[1] = Date.now() + 3_600_000))
    expect((await ask(mallory.ticket, { ...query, cursor: soon })).status).toBe(400)
    const old = changed(cursor, (parts) => (parts[1] = Date.now() - 3_600_000))
    expect((await ask(mallory.ticket, { ...query, cursor: old })).status).toBe(410)
  })
})
