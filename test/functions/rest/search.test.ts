import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { NetworkId } from '../../../shared/ids.ts'
import { LIMITS } from '../../../shared/limits.ts'
import { createObjects } from '../../../shared/store/objects.ts'
import { type IndexUnderTest, startIndex } from './index-under-test.ts'
import type { Enrolled } from './society.ts'

let index: IndexUnderTest

beforeAll(async () => {
  index = await startIndex()
})
afterAll(() => index.close())

async function find(door: string, as: string, query: Record<string, string> = {}) {
  const { status, body } = await index.call(`GET ${door}`, { as, query })
  expect(status, JSON.stringify(body)).toBe(200)
  return body
}

const namesOf = (page: { items: { name: string }[] }) => page.items.map(({ name }) => name).sort()

let network: NetworkId
let asker: Enrolled

/** Makes a new network with a member who searches. */
async function newNetwork(): Promise<void> {
  network = await index.network()
  asker = await index.member({ [network]: 'guest' }, 'asker')
}

async function peer(name: string, says: Parameters<IndexUnderTest['present']>[1] = {}, networks = [network]) {
  const roles = Object.fromEntries(networks.map((one) => [one, 'member' as const]))
  const made = await index.member(roles, name)
  await index.present(made, says)
  return made
}

const found = async (filter: string, as = asker.ticket) =>
  namesOf(await find('/v1/peers', as, { filter })).map((name) => name.replace("'s", ''))

describe('the peers of a network', () => {
  beforeAll(async () => {
    await newNetwork()
    await peer('ann', { metadata: { game: 'chess', level: 42, modes: ['rapid', 'blitz', 'ready'] } })
    await peer('ben', { metadata: { game: 'go', open: true, modes: ['rapid'] } })
    await peer('cid', { status: 'away', custom: 'at lunch', metadata: { game: 'chess', level: 10 } })
    await peer('dan', { status: 'invisible', custom: 'at lunch', metadata: { game: 'chess', level: 42 } })
    await index.settle()
  })

  test.each([
    ['status eq "online"', ['ann', 'ben']],
    ['status eq "offline"', ['asker', 'dan']],
    ['metadata.game eq "chess"', ['ann', 'cid']],
    ['metadata.game sw "ch" and metadata.level gt 10', ['ann']],
    ['metadata.level ge 10 and metadata.level lt 40', ['cid']],
    ['metadata.open eq true or metadata.level eq 10', ['ben', 'cid']],
    ['metadata.modes eq "rapid"', ['ann', 'ben']],
    ['metadata.modes sw "r"', ['ann', 'ben']],
    ['metadata.game pr and not (status eq "online")', ['cid']],
    ['metadata.game co "hes"', ['ann', 'cid']],
    ['custom eq "at lunch"', ['cid']],
    ['name sw "a"', ['ann', 'asker']],
    ['attributes.team eq "red"', []],
    ['lastSeenAt gt 0 and status eq "away"', ['cid']],
  ])('%s finds %j', async (filter, names) => {
    expect(await found(filter)).toEqual(names)
  })
})

describe('peers', () => {
  beforeEach(newNetwork)

  test('nobody is found outside the networks of who asks', async () => {
    const elsewhere = await index.network()
    await peer('ann', { metadata: { game: 'chess' } }, [elsewhere])
    await peer('ben', { metadata: { game: 'chess' } }, [network, elsewhere])
    await index.settle()
    expect(await found('metadata.game eq "chess"')).toEqual(['ben'])
    expect(await found('metadata.game co "chess"')).toEqual(['ben'])
    const inOther = await index.call('GET /v1/peers', { as: asker.ticket, query: { network: elsewhere } })
    expect(inOther.status).toBe(404)
    const everywhere = await find('/v1/peers', index.reader, {
      filter: 'metadata.game eq "chess"',
      network: elsewhere,
    })
    expect(namesOf(everywhere)).toEqual(["ann's", "ben's"])
  })

  test('a peer comes and goes with its presence, its membership and its enrolment', async () => {
    const ann = await peer('ann', { metadata: { game: 'chess' } })
    await index.settle()
    expect(await found('metadata.game eq "chess"')).toEqual(['ann'])
    await index.present(ann, { metadata: { game: 'go' }, version: 2 })
    await index.settle()
    expect(await found('metadata.game eq "chess"')).toEqual([])
    expect(await found('metadata.game eq "go"')).toEqual(['ann'])
    await index.call(`DELETE /v1/networks/${network}/members/${ann.user}`, { as: ann.ticket })
    await index.settle()
    expect(await found('metadata.game eq "go"')).toEqual([])
    await index.call(`PUT /v1/networks/${network}/members/${ann.user}`, { as: index.admin, body: {} })
    await index.settle()
    expect(await found('metadata.game eq "go"')).toEqual(['ann'])
    await index.call(`DELETE /v1/peers/${ann.peer}`, { as: ann.ticket })
    await index.settle()
    expect(await found('metadata.game eq "go"')).toEqual([])
  })

  test('what the index has not followed yet is not told', async () => {
    const [ann, ben] = [await peer('ann', { metadata: { game: 'chess' } }), await peer('ben')]
    await index.settle()
    await index.present(ann, { status: 'invisible', metadata: { game: 'chess' }, version: 2 })
    await index.call(`DELETE /v1/networks/${network}/members/${ben.user}`, { as: ben.ticket })
    expect(await found('metadata.game eq "chess" or status eq "online"')).toEqual([])
    await index.settle()
  })

  test('of live metadata the first attributes by name are searchable', async () => {
    const names = Array.from({ length: 17 }, (_, i) => `m${String(i).padStart(2, '0')}`)
    await peer('ann', { metadata: Object.fromEntries(names.map((name) => [name, 1])) })
    await index.settle()
    expect(await found(`metadata.${names[LIMITS.searchableAttributes - 1]} eq 1`)).toEqual(['ann'])
    expect(
      await found(`not (metadata.${names[LIMITS.searchableAttributes]} pr) and metadata.m00 pr`),
    ).toEqual(['ann'])
  })

  test('pages hold everybody once, who shares several networks and has several values in the range too', async () => {
    const second = await index.network()
    await index.call(`PUT /v1/networks/${second}/members/${asker.user}`, { as: index.admin, body: {} })
    const made = []
    for (let i = 0; i < 7; i++) {
      const modes = ['a', 'b', 'c'].slice(0, 1 + (i % 3))
      made.push((await peer(`p${i}`, { metadata: { modes } }, i % 2 ? [network, second] : [second])).peer)
    }
    await index.settle()
    for (const filter of [
      'metadata.modes pr',
      'metadata.modes ge "a" or status eq "online"',
      'status ne "offline"',
    ]) {
      const seen: string[] = []
      let cursor: string | undefined
      let pages = 0
      do {
        const page = await find('/v1/peers', asker.ticket, { filter, limit: '2', ...(cursor && { cursor }) })
        seen.push(...page.items.map(({ peer }: { peer: string }) => peer))
        cursor = page.cursor
        pages++
      } while (cursor !== undefined)
      expect(seen.sort()).toEqual([...made].sort())
      expect(pages).toBe(4)
    }
  })

  test('a cursor is for the search it came from', async () => {
    await peer('ann')
    await index.settle()
    const { cursor } = await find('/v1/peers', asker.ticket, { limit: '1' })
    const other = { limit: '1', cursor, filter: 'status eq "online"' }
    expect(await index.call('GET /v1/peers', { as: asker.ticket, query: other })).toMatchObject({
      status: 400,
    })
    const forged = Buffer.from('["x",0,"*",0,"peer"]').toString('base64url')
    expect((await index.call('GET /v1/peers', { as: asker.ticket, query: { cursor: forged } })).status).toBe(
      400,
    )
  })
})

describe('users and networks', () => {
  test('a user finds the users and networks it shares, an API key all', async () => {
    const [common, other] = [await index.network('common'), await index.network('other')]
    const ann = await index.member({ [common]: 'guest' }, 'usr-ann')
    await index.member({ [common]: 'guest', [other]: 'guest' }, 'usr-ben')
    await index.member({ [other]: 'guest' }, 'usr-cid')
    await index.settle()
    const filter = 'name sw "usr-"'
    expect(namesOf(await find('/v1/users', ann.ticket, { filter }))).toEqual(['usr-ann', 'usr-ben'])
    expect(namesOf(await find('/v1/users', index.admin, { filter }))).toEqual([
      'usr-ann',
      'usr-ben',
      'usr-cid',
    ])
    expect(namesOf(await find('/v1/networks', ann.ticket))).toEqual(['common'])
    expect(namesOf(await find('/v1/networks', index.reader, { filter: 'name eq "other"' }))).toEqual([
      'other',
    ])
    expect((await find('/v1/users', ann.ticket, { filter })).items[0]).not.toHaveProperty('networks')
  })

  test('networks of a ticket come in pages too', async () => {
    const networks = await Promise.all(Array.from({ length: 3 }, (_, i) => index.network(`page${i}`)))
    const ann = await index.member(Object.fromEntries(networks.map((network) => [network, 'guest' as const])))
    const first = await find('/v1/networks', ann.ticket, { limit: '2', filter: 'name sw "page"' })
    const rest = await find('/v1/networks', ann.ticket, {
      limit: '2',
      filter: 'name sw "page"',
      cursor: first.cursor,
    })
    expect([...namesOf(first), ...namesOf(rest)].sort()).toEqual(['page0', 'page1', 'page2'])
    expect(rest.cursor).toBeUndefined()
  })
})

describe('objects', () => {
  async function withObjects(collection: string, levels: readonly number[]) {
    const network = await index.network()
    const ann = await index.member({ [network]: 'member' })
    for (const level of levels) {
      const body = { value: { level, at: `2026-01-0${level}T00:00:00Z` } }
      await index.call(`PUT /v1/objects/${collection}/o${level}?network=${network}`, { as: ann.ticket, body })
    }
    await index.settle()
    return { network, ann }
  }
  const idsOf = (page: { items: { id: string }[] }) => page.items.map(({ id }) => id).sort()

  test('what is declared is indexed, for objects made before as well, and what is not is evaluated', async () => {
    const { ann } = await withObjects('games', [1, 2, 3, 4])
    const filter = 'value.level gt 1 and value.level le 3'
    const search = () => find('/v1/objects/games', ann.ticket, { filter })
    expect(idsOf(await search())).toEqual(['o2', 'o3'])
    const as = index.admin
    const body = { searchable: ['value.level', 'value.at'] }
    expect((await index.call('PUT /v1/collections/games', { as, body })).body.indexed).toEqual([])
    expect(idsOf(await search())).toEqual(['o2', 'o3'])
    await index.settle(2)
    expect((await index.call('GET /v1/collections/games', { as })).body.indexed).toEqual(body.searchable)
    expect(idsOf(await search())).toEqual(['o2', 'o3'])
    const later = await find('/v1/objects/games', ann.ticket, {
      filter: 'value.at gt "2026-01-03T01:00:00+02:00"',
    })
    expect(idsOf(later)).toEqual(['o3', 'o4'])
  })

  test('fault 9: the 18th of 20 values is found before its path is declared, and after', async () => {
    const network = await index.network()
    const { ticket: as } = await index.member({ [network]: 'member' })
    const tags = Array.from({ length: 20 }, (_, i) => `t${i + 1}`)
    await index.call(`PUT /v1/objects/tagged/o?network=${network}`, { as, body: { value: { tags } } })
    const search = async () => idsOf(await find('/v1/objects/tagged', as, { filter: 'value.tags eq "t18"' }))
    await index.settle()
    expect(await search()).toEqual(['o'])
    const body = { searchable: ['value.tags'] }
    await index.call('PUT /v1/collections/tagged', { as: index.admin, body })
    await index.settle(2)
    const declared = await index.call('GET /v1/collections/tagged', { as: index.admin })
    expect(declared.body.indexed).toEqual(body.searchable)
    expect(await search()).toEqual(['o'])
  })

  test('a collection larger than one step is indexed step by step', async () => {
    const network = await index.network()
    const objects = createObjects(index.client)
    const make = (i: number) =>
      objects.create({ collection: 'many', id: `o${i}`, network, value: { parity: i % 2 } }, index.now())
    await Promise.all(Array.from({ length: 101 }, (_, i) => make(i)))
    await index.call('PUT /v1/collections/many', { as: index.admin, body: { searchable: ['value.parity'] } })
    await index.settle(3)
    const { body } = await index.call('GET /v1/collections/many', { as: index.admin })
    expect(body.indexed).toEqual(['value.parity'])
    expect((await find('/v1/objects/many', index.admin, { filter: 'value.parity eq 1' })).items).toHaveLength(
      50,
    )
  })

  test('private objects are found by their owner', async () => {
    const [ann, ben] = [await index.member({}), await index.member({})]
    await index.call('PUT /v1/objects/diary/d1', { as: ann.ticket, body: { value: { mood: 'fine' } } })
    await index.settle()
    expect(idsOf(await find('/v1/objects/diary', ann.ticket))).toEqual(['d1'])
    expect(idsOf(await find('/v1/objects/diary', ben.ticket))).toEqual([])
    const query = { entity: 'object', collection: 'diary', filter: `owner eq "${ann.user}"` }
    expect(idsOf(await find('/v1/search', index.reader, query))).toEqual(['d1'])
  })
})

test.each([
  ['/v1/search', {}, 'entity: one of'],
  ['/v1/search', { entity: 'object' }, 'collection: name the one'],
  ['/v1/peers', { filter: 'status is "x"' }, 'expected one of eq ne co sw ew gt ge lt le pr at position 7'],
  ['/v1/peers', { network: 'x' }, 'network: is no network id'],
])('%s with %j is refused', async (door, query, detail) => {
  const answer = await index.call(`GET ${door}`, { as: index.admin, query })
  expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining(detail) } })
})
