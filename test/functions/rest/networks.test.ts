import { afterAll, beforeAll, expect, test } from 'vitest'
import { LIMITS } from '../../../shared/limits.ts'
import { type OpenIndex, openIndex } from './open-index.ts'

let index: OpenIndex

beforeAll(async () => {
  index = await openIndex()
})
afterAll(() => index.close())

const membersOf = async (network: string, as = index.admin) =>
  (await index.call(`GET /v1/networks/${network}/members`, { as })).body.items

test('whoever makes a network owns it, and its ticket says so from the next one on', async () => {
  const ann = await index.member({}, 'Ann')
  const { body, headers } = await index.call('POST /v1/networks', { as: ann.ticket, body: { name: 'Chess' } })
  expect(headers.location).toBe(`/v1/networks/${body.network}`)
  expect(await membersOf(body.network, ann.ticket)).toMatchObject([{ user: ann.user, role: 'owner' }])
  const ticket = await index.call('POST /v1/tickets', { body: { proof: await index.proofOf(ann) } })
  expect(ticket.body.networks).toEqual([body.network])
  const listed = await index.call('GET /v1/networks', { as: ann.ticket })
  expect(listed.body.items).toMatchObject([{ network: body.network, name: 'Chess', owners: 1 }])
})

test('an edit is a merge patch, and is refused where somebody else was faster', async () => {
  const network = await index.network('before')
  const patch = (body: object, headers = {}) =>
    index.call(`PATCH /v1/networks/${network}`, { as: index.admin, body, headers })
  const first = await patch({ attributes: { colour: 'red', size: { x: 1, y: 2 } } }, { 'If-Match': '"1"' })
  expect(first).toMatchObject({ status: 200, headers: { etag: '"2"' }, body: { name: 'before', version: 2 } })
  expect((await patch({ name: 'late' }, { 'if-match': '"1"' })).body).toMatchObject({
    code: 'precondition-failed',
    detail: 'It is at version 2: read it again and decide anew',
  })
  const second = await patch({ attributes: { colour: null, size: { y: 3 } } }, { 'if-match': '"2"' })
  expect(second.body.attributes).toEqual({ size: { x: 1, y: 3 } })
  expect((await patch({ name: 'x' }, { 'if-match': 'yesterday' })).status).toBe(400)
})

test('what its tunnels may use is edited like the rest of it', async () => {
  const network = await index.network('hidden')
  const edit = (body: object) => index.call(`PATCH /v1/networks/${network}`, { as: index.admin, body })
  expect((await index.call(`GET /v1/networks/${network}`, { as: index.admin })).body.paths).toBe('auto')
  expect((await edit({ paths: 'relay-only' })).body).toMatchObject({ name: 'hidden', paths: 'relay-only' })
  expect((await edit({ name: 'seen' })).body).toMatchObject({ name: 'seen', paths: 'relay-only' })
  expect((await edit({ paths: 'sideways' })).status).toBe(400)
})

test('edits without If-Match that come at once are all made', async () => {
  const network = await index.network()
  const edits = ['a', 'b', 'c', 'd'].map((name) =>
    index.call(`PATCH /v1/networks/${network}`, { as: index.admin, body: { attributes: { [name]: true } } }),
  )
  expect((await Promise.all(edits)).map(({ status }) => status)).toEqual([200, 200, 200, 200])
  const { body } = await index.call(`GET /v1/networks/${network}`, { as: index.admin })
  expect(body).toMatchObject({ version: 5, attributes: { a: true, b: true, c: true, d: true } })
})

test('nobody gives, changes or takes a role above their own', async () => {
  const network = await index.network()
  const [owner, admin, other] = await Promise.all([
    index.member({ [network]: 'owner' }),
    index.member({ [network]: 'admin' }),
    index.member({ [network]: 'member' }),
  ])
  const put = (user: string, role: string) =>
    index.call(`PUT /v1/networks/${network}/members/${user}`, { as: admin.ticket, body: { role } })
  expect((await put(other.user, 'owner')).status).toBe(403)
  expect((await put(owner.user, 'guest')).status).toBe(403)
  expect((await put(other.user, 'admin')).status).toBe(200)
  const remove = await index.call(`DELETE /v1/networks/${network}/members/${owner.user}`, {
    as: admin.ticket,
  })
  expect(remove.status).toBe(403)
  const invite = await index.call(`POST /v1/networks/${network}/invites`, {
    as: admin.ticket,
    body: { role: 'owner' },
  })
  expect(invite.status).toBe(403)
})

test('an admin adds whom it shares a network with and invites others', async () => {
  const [network, common] = [await index.network(), await index.network()]
  const admin = await index.member({ [network]: 'admin', [common]: 'guest' })
  const [known, stranger] = [await index.member({ [common]: 'member' }), await index.member({})]
  const put = (user: string) =>
    index.call(`PUT /v1/networks/${network}/members/${user}`, { as: admin.ticket, body: {} })
  expect(await put(known.user)).toMatchObject({ status: 200, body: { role: 'member' } })
  expect((await put(stranger.user)).status).toBe(404)
})

test('the last owner neither leaves nor steps down, of two one does', async () => {
  const network = await index.network()
  const ann = await index.member({ [network]: 'owner' })
  const leave = (user: string, as: string) =>
    index.call(`DELETE /v1/networks/${network}/members/${user}`, { as })
  const stepDown = (user: string) =>
    index.call(`PUT /v1/networks/${network}/members/${user}`, { as: index.admin, body: { role: 'member' } })
  expect(await leave(ann.user, ann.ticket)).toMatchObject({ status: 409, body: { code: 'conflict' } })
  expect((await stepDown(ann.user)).status).toBe(409)
  const ben = await index.member({ [network]: 'owner' })
  const outcomes = await Promise.all([leave(ann.user, ann.ticket), stepDown(ben.user)])
  expect(outcomes.map(({ status }) => Math.floor(status / 100)).sort()).toEqual([2, 4])
  expect((await index.call(`GET /v1/networks/${network}`, { as: index.admin })).body.owners).toBe(1)
})

test('members are told with the best presence of their peers', async () => {
  const network = await index.network()
  const ann = await index.member({ [network]: 'member' }, 'Ann')
  const ben = await index.member({ [network]: 'guest' }, 'Ben')
  await index.present(ann, { status: 'away', custom: 'back soon' })
  await index.present(ben, { status: 'invisible', custom: 'here', lastSeenAt: 5 })
  // The search index lags behind the tables.
  const seen = async () => {
    const members: { readonly name: string }[] = await membersOf(network, ann.ticket)
    return Object.fromEntries(members.map((member) => [member.name, member]))
  }
  await expect.poll(seen, { timeout: 60_000, interval: 250 }).toMatchObject({
    Ann: { presence: { status: 'away', custom: 'back soon', peer: ann.peer } },
    Ben: { role: 'guest', presence: { status: 'offline', custom: '', lastSeenAt: 5 } },
  })
})

test('members come in pages', async () => {
  const network = await index.network()
  const users = (
    await Promise.all(Array.from({ length: 5 }, () => index.member({ [network]: 'guest' })))
  ).map(({ user }) => user)
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const query = { limit: '2', ...(cursor && { cursor }) }
    const { body } = await index.call(`GET /v1/networks/${network}/members`, { as: index.admin, query })
    expect(body.items.length).toBeLessThanOrEqual(2)
    seen.push(...body.items.map(({ user }: { user: string }) => user))
    cursor = body.cursor
  } while (cursor !== undefined)
  expect(seen).toEqual([...users].sort())
})

test.each([
  [{ limit: '0' }, 'limit'],
  [{ limit: `${LIMITS.pageSize + 1}` }, 'limit'],
  [{ limit: 'ten' }, 'limit'],
  [{ cursor: '!' }, 'cursor'],
])('a page of %j is refused', async (query, detail) => {
  const network = await index.network()
  const answer = await index.call(`GET /v1/networks/${network}/members`, { as: index.admin, query })
  expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining(detail) } })
})

test('a network takes its memberships, invites and objects with it', async () => {
  const network = await index.network()
  const ann = await index.member({ [network]: 'owner' })
  const as = ann.ticket
  const { body } = await index.call(`POST /v1/networks/${network}/invites`, { as, body: {} })
  await index.call(`PUT /v1/objects/boards/b1?network=${network}`, { as, body: { value: {} } })
  expect((await index.call(`DELETE /v1/networks/${network}`, { as })).status).toBe(202)
  expect((await index.call(`GET /v1/networks/${network}`, { as: index.admin })).status).toBe(404)
  expect((await index.call(`DELETE /v1/invites/${body.invite}`, { as: index.admin })).status).toBe(404)
  expect((await index.call(`GET /v1/objects/boards/b1?network=${network}`, { as: index.admin })).status).toBe(
    404,
  )
  expect((await index.call(`GET /v1/users/${ann.user}`, { as })).body.networks).toEqual([])
})

test('an invite that is taken back lets nobody in', async () => {
  const network = await index.network()
  const { body } = await index.call(`POST /v1/networks/${network}/invites`, { as: index.admin, body: {} })
  expect((await index.call(`DELETE /v1/invites/${body.invite}`, { as: index.admin })).status).toBe(204)
  expect((await index.call(`DELETE /v1/invites/${body.invite}`, { as: index.admin })).status).toBe(404)
})
