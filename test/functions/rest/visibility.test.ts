/** Attributes declared public, network-wide or private, and callers who try to read more than they may. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NetworkId } from '../../../shared/ids.ts'
import { createPeerSearch } from '../../../shared/store/search.ts'
import { type IndexUnderTest, startIndex } from './index-under-test.ts'
import type { Enrolled } from './society.ts'

let index: IndexUnderTest
let network: NetworkId
let ann: Enrolled
let ben: Enrolled
let boss: Enrolled
let stranger: Enrolled

const VISIBILITY = {
  name: 'public',
  'attributes.bio': 'public',
  'attributes.links.site': 'public',
  'attributes.links.home': 'private',
  'attributes.Secret': 'private',
  'attributes.list.token': 'private',
} as const
const ATTRIBUTES = {
  bio: 'plays chess',
  team: 'red',
  secret: 'nobody-knows',
  links: { site: 'https://example.com', home: 'nobody-knows', other: 1 },
  list: [
    { kind: 'a', token: 'nobody-knows' },
    { kind: 'b', TOKEN: 'nobody-knows' },
  ],
}
const TO_MEMBERS = {
  bio: 'plays chess',
  team: 'red',
  links: { site: 'https://example.com', other: 1 },
  list: [{ kind: 'a' }, { kind: 'b' }],
}
const TO_STRANGERS = { bio: 'plays chess', links: { site: 'https://example.com' } }

beforeAll(async () => {
  index = await startIndex()
  const as = index.admin
  const searchable = ['attributes.secret', 'attributes.team', 'attributes.bio']
  for (const collection of ['users', 'networks', 'peers'])
    await index.call(`PUT /v1/collections/${collection}`, {
      as,
      body: { searchable, visibility: VISIBILITY },
    })
  network = await index.network('club')
  ann = await index.member({ [network]: 'member' }, 'Ann')
  ben = await index.member({ [network]: 'member' }, 'Ben')
  boss = await index.member({ [network]: 'admin' }, 'Boss')
  stranger = await index.member({}, 'Stranger')
  for (const door of doors()) await index.call(`PATCH ${door}`, { as, body: { attributes: ATTRIBUTES } })
  await index.present(ann, { metadata: { level: 1 } })
  await index.settle(3)
})
afterAll(() => index.close())

const doors = () => [`/v1/users/${ann.user}`, `/v1/peers/${ann.peer}`, `/v1/networks/${network}`]

describe('by its id', () => {
  const read = (door: string, as: string) => index.call(`GET ${door}`, { as })

  test('a user and its peers are whole to the user and to API keys', async () => {
    for (const door of doors().slice(0, 2))
      for (const as of [ann.ticket, index.reader])
        expect((await read(door, as)).body.attributes).toEqual(ATTRIBUTES)
  })

  test('a network is whole to its admins and to API keys', async () => {
    const [, , door] = doors()
    for (const as of [boss.ticket, index.reader])
      expect((await read(door!, as)).body.attributes).toEqual(ATTRIBUTES)
  })

  test('co-members see what is not private, in whatever case it was written', async () => {
    for (const door of doors())
      expect((await read(door, ben.ticket)).body.attributes, door).toEqual(TO_MEMBERS)
  })

  test('strangers see what is public and neither networks, subject nor presence', async () => {
    for (const door of doors()) {
      const { status, body } = await read(door, stranger.ticket)
      expect({ status, attributes: body.attributes }, door).toEqual({ status: 200, attributes: TO_STRANGERS })
      expect(['Ann', "Ann's", 'club']).toContain(body.name)
      if (body.networks) expect(body.networks).toEqual([])
      if (body.presence)
        expect(body.presence).toMatchObject({ status: 'offline', lastSeenAt: 0, metadata: {} })
    }
  })

  test('whoever is blocked sees nothing of what is public', async () => {
    const blocked = await index.member({})
    await index.call(`PUT /v1/users/${ann.user}/blocks/${blocked.user}`, { as: ann.ticket })
    for (const door of doors().slice(0, 2)) expect((await read(door, blocked.ticket)).status).toBe(404)
    await index.call(`DELETE /v1/users/${ann.user}/blocks/${blocked.user}`, { as: ann.ticket })
  })

  test('what strangers may see lets them change nothing', async () => {
    for (const door of doors()) {
      const edit = { as: stranger.ticket, body: { name: 'mine' } }
      expect((await index.call(`PATCH ${door}`, edit)).status, door).toBe(404)
      expect((await index.call(`DELETE ${door}`, { as: stranger.ticket })).status, door).toBe(404)
    }
  })

  test('an ETag is of what its reader sees, so it tells nothing of a private edit beyond the version', async () => {
    const [door] = doors()
    const tags = [ann, ben, stranger].map(async ({ ticket }) => (await read(door!, ticket)).headers.etag)
    expect(new Set(await Promise.all(tags)).size).toBe(3)
  })
})

describe('a search', () => {
  const LEAKS = [
    'attributes.secret eq "nobody-knows"',
    'ATTRIBUTES.SECRET sw "n"',
    'attributes.secret pr',
    'attributes.secret.deeper pr',
    'not (attributes.secret eq "x")',
    'name eq "x" or attributes.secret gt "a"',
    'attributes[secret eq "nobody-knows"]',
    'attributes[links[home pr]]',
    'attributes.links.home co "k"',
    'attributes.list.token eq "nobody-knows"',
    'attributes.list[token eq "nobody-knows"]',
    'attributes pr',
    'attributes.links pr',
  ]

  test.each(LEAKS)('by %s is refused to a peer and answered to an API key', async (filter) => {
    for (const entity of ['users', 'peers', 'networks']) {
      const answer = await index.call(`GET /v1/${entity}`, { as: ben.ticket, query: { filter } })
      expect(answer, entity).toMatchObject({
        status: 400,
        body: { detail: expect.stringContaining('private') },
      })
      expect((await index.call(`GET /v1/${entity}`, { as: index.reader, query: { filter } })).status).toBe(
        200,
      )
    }
    const query = { entity: 'user', filter }
    expect((await index.call('GET /v1/search', { as: ben.ticket, query })).status).toBe(400)
  })

  test('in the order of a private attribute is refused to a peer', async () => {
    for (const sortBy of ['attributes.secret', 'Attributes.Secret']) {
      expect((await index.call('GET /v1/users', { as: ben.ticket, query: { network, sortBy } })).status).toBe(
        400,
      )
      expect((await index.call('GET /v1/users', { as: index.reader, query: { sortBy } })).status).toBe(200)
    }
  })

  test('by a private attribute is refused at a node as well', async () => {
    const find = createPeerSearch(index.client)
    const viewer = { peer: ben.peer, user: ben.user }
    const asked = { viewer, networks: [network], filter: 'attributes.secret eq "nobody-knows"', limit: 5 }
    await expect(find(asked)).rejects.toMatchObject({ code: 'bad-request' })
  })

  test('finds by what is visible, and answers without what is private', async () => {
    for (const [door, query] of [
      ['/v1/users', { filter: 'attributes.team eq "red"' }],
      ['/v1/peers', { filter: 'attributes.team eq "red"' }],
      ['/v1/networks', { filter: 'attributes.team eq "red"' }],
      ['/v1/search', { entity: 'user', filter: 'attributes.team eq "red"' }],
    ] as const) {
      const { body } = await index.call(`GET ${door}`, { as: ben.ticket, query })
      expect(body.items, door).toMatchObject([{ attributes: TO_MEMBERS }])
      expect(JSON.stringify(body), door).not.toContain('nobody-knows')
      const own = await index.call(`GET ${door}`, { as: ann.ticket, query })
      if (door !== '/v1/networks') expect(own.body.items[0].attributes, door).toEqual(ATTRIBUTES)
    }
  })

  test('finds nothing public of whoever shares no network', async () => {
    const { body } = await index.call('GET /v1/users', {
      ...{ as: stranger.ticket, query: { filter: 'attributes.bio eq "plays chess"' } },
    })
    expect(body.items).toEqual([])
  })
})

test('members are listed without attributes', async () => {
  const { body } = await index.call(`GET /v1/networks/${network}/members`, { as: ben.ticket })
  expect(body.items).toHaveLength(3)
  expect(JSON.stringify(body)).not.toContain('attributes')
})

test('without a declaration strangers see nothing, not even that it is there', async () => {
  const bare = await startIndex({}, { indexed: false })
  const [one, other] = [await bare.member({}), await bare.member({})]
  await bare.call(`PATCH /v1/users/${one.user}`, { as: one.ticket, body: { attributes: ATTRIBUTES } })
  const [there, nowhere] = [one.user, 'u_aaaaaaaaaaaaaaaa'].map((user) =>
    bare.call(`GET /v1/users/${user}`, { as: other.ticket }),
  )
  expect((await there)!.body).toEqual((await nowhere)!.body)
  expect((await there)!.status).toBe(404)
  await bare.close()
})

test.each([
  ['things', { visibility: { 'attributes.a': 'private' } }, 'of users, networks and peers only'],
  ['users', { visibility: { 'value.a': 'private' } }, 'neither'],
  ['users', { visibility: { 'metadata.a': 'private' } }, 'neither'],
  ['users', { visibility: { attributes: 'private' } }, 'neither'],
  ['users', { visibility: { name: 'private' } }, 'name'],
  ['users', { visibility: { 'attributes.a': 'secret' } }, 'visibility'],
  ['users', { visibility: { __proto__x: 'private' } }, 'visibility'],
])('the declaration of %s %j is refused', async (collection, body, detail) => {
  const answer = await index.call(`PUT /v1/collections/${collection}`, { as: index.admin, body })
  expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining(detail) } })
})
