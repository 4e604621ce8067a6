/** The read cost of a ticket holder's requests, for every route that reads one thing by its name. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { API } from '../../../functions/rest/api.ts'
import type { NetworkId } from '../../../shared/ids.ts'
import { type IndexUnderTest, startIndex } from './index-under-test.ts'
import type { Enrolled } from './society.ts'

let index: IndexUnderTest
let network: NetworkId
let ann: Enrolled
let ben: Enrolled
let invite: string
let job: string

const BY_NAME = API.filter(({ method, path, who }) => method === 'GET' && path.endsWith('}') && who !== 'key')
  .map(({ path }) => path)
  .filter((path) => path !== '/v1/objects/{collection}')

beforeAll(async () => {
  index = await startIndex({}, { indexed: false })
  network = await index.network()
  const others = await Promise.all(Array.from({ length: 20 }, () => index.network()))
  const roles = Object.fromEntries(others.map((one) => [one, 'member' as const]))
  ann = await index.member({ ...roles, [network]: 'admin' }, 'ann')
  ben = await index.member({ ...roles, [network]: 'member' }, 'ben')
  await index.present(ben, {})
  const made = await index.call(`POST /v1/networks/${network}/invites`, { as: ann.ticket, body: {} })
  invite = made.body.invite
  await index.call('PUT /v1/collections/games', { as: index.admin, body: { searchable: [] } })
  const object = { as: ann.ticket, body: { value: { level: 1 } } }
  await index.call(`PUT /v1/objects/games/o1?network=${network}`, object)
  await index.call('PUT /v1/objects/games/o1', object)
  const own = await index.call('POST /v1/networks', { as: ann.ticket, body: { name: 'short-lived' } })
  job = (await index.call(`DELETE /v1/networks/${own.body.network}`, { as: ann.ticket })).body.job
})
afterAll(() => index.close())

/** Things that belong to others and to the caller, for each path. A new route fails until it is listed here. */
const THINGS: Readonly<Record<string, () => readonly string[]>> = {
  '/v1/users/{user}': () => [`/v1/users/${ben.user}`, `/v1/users/${ann.user}`],
  '/v1/peers/{peer}': () => [`/v1/peers/${ben.peer}`, `/v1/peers/${ann.peer}`],
  '/v1/networks/{network}': () => [`/v1/networks/${network}`],
  '/v1/networks/{network}/members/{user}': () => [
    `/v1/networks/${network}/members/${ben.user}`,
    `/v1/networks/${network}/members/${ann.user}`,
  ],
  '/v1/invites/{invite}': () => [`/v1/invites/${invite}`],
  '/v1/collections/{collection}': () => ['/v1/collections/games'],
  '/v1/objects/{collection}/{id}': () => [`/v1/objects/games/o1?network=${network}`, '/v1/objects/games/o1'],
  '/v1/jobs/{job}': () => [`/v1/jobs/${job}`],
}

test.each(
  BY_NAME,
)('fault 11: GET %s costs a ticket holder in 21 networks at most two reads', async (path) => {
  const things = THINGS[path]?.() ?? []
  expect(things.length, `${path} is not walked`).toBeGreaterThan(0)
  for (const thing of things) {
    const { status, body, cost } = await index.measured(`GET ${thing}`, { as: ann.ticket })
    expect(status, `${thing} ${JSON.stringify(body)}`).toBe(200)
    expect(cost.calls, thing).toBeLessThanOrEqual(2)
    expect(cost.units, thing).toBeLessThanOrEqual(8)
  }
})

test("fault 11: what is not there, or is not the caller's to see, costs no more", async () => {
  const foreign = await index.network()
  const stranger = await index.member({ [foreign]: 'admin' }, 'stranger')
  for (const path of BY_NAME)
    for (const thing of THINGS[path]!()) {
      const { status, cost } = await index.measured(`GET ${thing}`, { as: stranger.ticket })
      expect([200, 403, 404], thing).toContain(status)
      expect(cost.calls, thing).toBeLessThanOrEqual(3)
    }
})

test('fault 11: who is blocked reads for as much as anybody', async () => {
  const door = `/v1/users/${ben.user}/blocks/${ann.user}`
  expect((await index.call(`PUT ${door}`, { as: ben.ticket })).status).toBe(204)
  for (const path of BY_NAME)
    for (const thing of THINGS[path]!()) {
      const { status, cost } = await index.measured(`GET ${thing}`, { as: ann.ticket })
      expect([200, 404], thing).toContain(status)
      expect(cost.calls, thing).toBeLessThanOrEqual(2)
    }
  const { body } = await index.call(`GET /v1/peers/${ben.peer}`, { as: ann.ticket })
  expect(body.presence?.status ?? 'offline').toBe('offline')
  expect((await index.call(`DELETE ${door}`, { as: ben.ticket })).status).toBe(204)
})

test('fault 11: PUT of a member reads each item once and none twice', async () => {
  const cid = await index.member({ [network]: 'guest' }, 'cid')
  const door = `PUT /v1/networks/${network}/members/${cid.user}`
  const promoted = await index.measured(door, { as: ann.ticket, body: { role: 'member' } })
  expect(promoted).toMatchObject({ status: 200, body: { role: 'member' } })
  // One read of everything named, and one write.
  expect(promoted.cost.calls).toBe(2)
  const same = await index.measured(door, { as: ann.ticket, body: { role: 'member' } })
  expect(same.status).toBe(200)
  expect(same.cost.calls).toBe(1)
})

test('a role that was taken is gone at once, although roles are read with the credential', async () => {
  const dan = await index.member({ [network]: 'admin' }, 'dan')
  const door = `PUT /v1/networks/${network}/members/${ben.user}`
  expect((await index.call(door, { as: dan.ticket, body: { role: 'guest' } })).status).toBe(200)
  const taken = { as: index.admin, body: { role: 'member' } }
  await index.call(`PUT /v1/networks/${network}/members/${dan.user}`, taken)
  expect((await index.call(door, { as: dan.ticket, body: { role: 'member' } })).status).toBe(403)
  await index.call(`DELETE /v1/networks/${network}/members/${dan.user}`, { as: index.admin })
  expect((await index.call(door, { as: dan.ticket, body: { role: 'member' } })).status).toBe(404)
  expect((await index.call(`GET /v1/networks/${network}`, { as: dan.ticket })).status).toBe(404)
})
