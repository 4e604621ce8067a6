/** The audit trail: every route that changes something leaves its record, together with the change or not at all. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { API } from '../../../functions/rest/api.ts'
import type { ROUTES } from '../../../functions/rest/routes.ts'
import type { NetworkId } from '../../../shared/ids.ts'
import { LIMITS } from '../../../shared/limits.ts'
import type { AuditRecord } from '../../../shared/resources.ts'
import { type IndexUnderTest, startIndex } from './index-under-test.ts'
import { interrupt, meanwhile } from './interrupted-client.ts'
import { type Answer, type Enrolled, newDevice } from './society.ts'

type Writing = Exclude<(typeof ROUTES)[number], { method: 'GET' }>['operation']

interface Scene {
  readonly network: NetworkId
  readonly owner: Enrolled
  readonly member: Enrolled
  readonly stranger: Enrolled
}

interface Walked {
  /** The request. It has `answer` as its result, and perhaps made something before. */
  readonly send: (scene: Scene) => Promise<Answer>
  readonly told: (scene: Scene, answer: Answer) => Partial<AuditRecord>
  /** Records that the request leaves. Default: 1. */
  readonly records?: number
}

let index: IndexUnderTest

beforeAll(async () => {
  index = await startIndex({}, { indexed: false })
})
afterAll(() => index.close())

const admin = (door: string, body?: unknown) =>
  index.call(door, { as: index.admin, ...(body === undefined ? {} : { body }) })

async function newScene(): Promise<Scene> {
  const network = await index.network()
  const owner = await index.member({ [network]: 'owner' }, 'Ann')
  return {
    network,
    owner,
    member: await index.member({ [network]: 'member' }, 'Ben'),
    stranger: await index.member({}),
  }
}

const memberDoor = ({ network, member }: Scene) => `/v1/networks/${network}/members/${member.user}`

const HEARING = { name: 'walked', url: 'https://example.com/', events: ['user.*'] }
const hookDoor = async () => `/v1/webhooks/${(await admin('POST /v1/webhooks', HEARING)).body.webhook}`

async function madeInvite({ network }: Scene) {
  return (await admin(`POST /v1/networks/${network}/invites`, { uses: 3 })).body
}

/** Every route that writes. A new one does not compile until it is here, or says why it is not recorded. */
const WALK: Readonly<Record<Writing, Walked | 'unrecorded'>> = {
  createTicket: 'unrecorded',
  putObject: 'unrecorded',
  updateObject: 'unrecorded',
  deleteObject: 'unrecorded',
  createEnrolment: {
    send: async (scene) => {
      const { code } = await madeInvite(scene)
      const body = { invite: code, proof: await index.proofOf(newDevice()), user: { name: 'Cem' } }
      return index.call('POST /v1/enrolments', { body })
    },
    // The user, its peer and its membership.
    records: 3,
    told: (_, { body }) => ({ by: body.user }),
  },
  createUser: {
    send: () => admin('POST /v1/users', { name: 'Dora', attributes: { a: 1 } }),
    told: (_, { body }) => ({ subject: body.user, after: expect.objectContaining({ name: 'Dora' }) }),
  },
  updateUser: {
    send: ({ owner }) =>
      index.call(`PATCH /v1/users/${owner.user}`, { as: owner.ticket, body: { name: 'Anna' } }),
    told: ({ owner }) => ({
      ...{ subject: owner.user, by: owner.user, peer: owner.peer },
      before: expect.objectContaining({ name: 'Ann', version: 1 }),
      after: expect.objectContaining({ name: 'Anna', version: 2 }),
    }),
  },
  deleteUser: {
    send: ({ member }) => admin(`DELETE /v1/users/${member.user}`),
    told: ({ member }) => ({ subject: member.user }),
  },
  putBlock: {
    send: ({ member, owner }) => admin(`PUT /v1/users/${member.user}/blocks/${owner.peer}`),
    told: ({ member, owner }) => ({ subject: member.user, about: owner.peer }),
  },
  deleteBlock: {
    send: async ({ member, owner }) => {
      await admin(`PUT /v1/users/${member.user}/blocks/${owner.peer}`)
      return admin(`DELETE /v1/users/${member.user}/blocks/${owner.peer}`)
    },
    told: ({ member, owner }) => ({ subject: member.user, about: owner.peer }),
  },
  createNetwork: {
    send: ({ member }) => index.call('POST /v1/networks', { as: member.ticket, body: { name: 'Go' } }),
    // The network and the membership of its owner.
    records: 2,
    told: ({ member }, { body }) => ({ subject: body.network, by: member.user }),
  },
  updateNetwork: {
    send: ({ network }) => admin(`PATCH /v1/networks/${network}`, { joining: 'open' }),
    told: ({ network }) => ({
      subject: network,
      before: expect.objectContaining({ joining: 'invite' }),
      after: expect.objectContaining({ joining: 'open' }),
    }),
  },
  deleteNetwork: {
    send: ({ network }) => admin(`DELETE /v1/networks/${network}`),
    told: ({ network }) => ({ subject: network, before: expect.objectContaining({ name: 'network' }) }),
  },
  putMember: {
    send: (scene) =>
      index.call(`PUT ${memberDoor(scene)}`, { as: scene.owner.ticket, body: { role: 'admin' } }),
    told: ({ network, owner, member }) => ({
      ...{ subject: network, about: member.user, by: owner.user, peer: owner.peer },
      before: expect.objectContaining({ role: 'member' }),
      after: expect.objectContaining({ role: 'admin' }),
    }),
  },
  deleteMember: {
    send: (scene) => admin(`DELETE ${memberDoor(scene)}`),
    told: ({ network, member }) => ({
      ...{ subject: network, about: member.user },
      after: expect.objectContaining({ state: 'removed' }),
    }),
  },
  createInvite: {
    send: ({ network }) => admin(`POST /v1/networks/${network}/invites`, {}),
    told: ({ network }, { body }) => ({ subject: network, about: body.invite }),
  },
  deleteInvite: {
    send: async (scene) => admin(`DELETE /v1/invites/${(await madeInvite(scene)).invite}`),
    told: ({ network }) => ({ subject: network, before: expect.objectContaining({ uses: 3 }) }),
  },
  createPeer: {
    send: ({ member }) => admin('POST /v1/peers', { peer: newDevice().peer, user: member.user }),
    told: ({ member }, { body }) => ({ subject: member.user, about: body.peer }),
  },
  updatePeer: {
    send: ({ member }) => admin(`PATCH /v1/peers/${member.peer}`, { name: 'phone' }),
    told: ({ member }) => ({
      ...{ subject: member.user, about: member.peer },
      after: expect.objectContaining({ name: 'phone' }),
    }),
  },
  deletePeer: {
    send: ({ member }) => admin(`DELETE /v1/peers/${member.peer}`),
    told: ({ member }) => ({
      ...{ subject: member.user, about: member.peer },
      after: { revokedAt: expect.any(Number) },
    }),
  },
  putCollection: {
    send: () => admin('PUT /v1/collections/walked', { searchable: ['value.a'] }),
    told: () => ({
      subject: 'collection:walked',
      after: expect.objectContaining({ searchable: ['value.a'] }),
    }),
  },
  deleteCollection: {
    send: async () => {
      await admin('PUT /v1/collections/goes', {})
      return admin('DELETE /v1/collections/goes')
    },
    told: () => ({ subject: 'collection:goes', before: expect.objectContaining({ collection: 'goes' }) }),
  },
  readObjects: 'unrecorded',
  writeObjects: 'unrecorded',
  testWebhook: 'unrecorded',
  replayWebhook: 'unrecorded',
  createWebhook: {
    send: () => admin('POST /v1/webhooks', HEARING),
    told: (_, { body }) => ({
      subject: `webhook:${body.webhook}`,
      after: expect.not.objectContaining({ secret: expect.anything() }),
    }),
  },
  updateWebhook: {
    send: async () => admin(`PATCH ${await hookDoor()}`, { active: false }),
    told: () => ({
      before: expect.objectContaining({ active: true }),
      after: expect.objectContaining({ active: false }),
    }),
  },
  deleteWebhook: {
    send: async () => admin(`DELETE ${await hookDoor()}`),
    told: () => ({ before: expect.objectContaining({ url: HEARING.url }) }),
  },
  rotateWebhook: {
    send: async () => admin(`POST ${await hookDoor()}/rotations`),
    told: (_, { body }) => ({
      subject: `webhook:${body.webhook}`,
      after: expect.objectContaining({ version: 2 }),
    }),
  },
  createApiKey: {
    send: () => admin('POST /v1/api-keys', { name: 'walked', role: 'read' }),
    told: (_, { body }) => ({
      subject: `key:${body.key}`,
      after: expect.objectContaining({ name: 'walked', role: 'read' }),
    }),
  },
  rotateApiKey: {
    send: async () => {
      const { body } = await admin('POST /v1/api-keys', { name: 'turns', role: 'read' })
      return admin(`POST /v1/api-keys/${body.key}/rotations`, {})
    },
    told: (_, { body }) => ({ subject: `key:${body.key}`, after: { rotatedAt: expect.any(Number) } }),
  },
  deleteApiKey: {
    send: async () => {
      const { body } = await admin('POST /v1/api-keys', { name: 'goes', role: 'read' })
      return admin(`DELETE /v1/api-keys/${body.key}`)
    },
    told: () => ({ before: expect.objectContaining({ name: 'goes' }) }),
  },
}

const recorded = Object.entries(WALK).filter((entry): entry is [Writing, Walked] => entry[1] !== 'unrecorded')

async function recordsOf(request: string | undefined): Promise<readonly AuditRecord[]> {
  const { body } = await admin('GET /v1/audit')
  return body.items.filter((each: AuditRecord) => each.request === request)
}

describe('the walk', () => {
  test.each(recorded)('%s leaves its record', async (operation, { send, told, records = 1 }) => {
    const scene = await newScene()
    const answer = await send(scene)
    expect(answer.status).toBeLessThan(300)
    const found = await recordsOf(answer.headers['x-request-id'])
    expect(found).toHaveLength(records)
    for (const each of found) expect(each).toMatchObject({ operation, at: index.now() })
    expect(found).toContainEqual(expect.objectContaining(told(scene, answer)))
  })

  test('the routes without a record are those that say why', () => {
    const silent = API.filter(({ method, unrecorded }) => method !== 'GET' && unrecorded !== undefined)
    const expected = Object.keys(WALK).filter((name) => WALK[name as Writing] === 'unrecorded')
    expect(silent.map(({ operation }) => operation).sort()).toEqual(expected.sort())
  })
})

test('a change that is refused leaves no record, and one that is tried again leaves one', async () => {
  const { network, owner, member } = await newScene()
  const door = `PATCH /v1/networks/${network}`
  const stale = await index.call(door, {
    as: index.admin,
    headers: { 'if-match': '"7"' },
    body: { name: 'x' },
  })
  expect(stale.status).toBe(412)
  expect(await recordsOf(stale.headers['x-request-id'])).toEqual([])
  const writes = interrupt(index.client)
  // The network changes between the read and the write: the edit is made again, on the new version.
  meanwhile(writes, () => admin(door, { attributes: { between: true } }))
  const again = await index.call(door, { as: owner.ticket, body: { name: 'again' } })
  expect(again).toMatchObject({ status: 200, body: { name: 'again', attributes: { between: true } } })
  expect(await recordsOf(again.headers['x-request-id'])).toHaveLength(1)
  // The right is lost in between: nothing is written, nothing is recorded.
  const invite = `POST /v1/networks/${network}/invites`
  await admin(`PUT /v1/networks/${network}/members/${member.user}`, { role: 'admin' })
  meanwhile(writes, () => admin(`PUT /v1/networks/${network}/members/${member.user}`, { role: 'guest' }))
  const lost = await index.call(invite, { as: member.ticket, body: {} })
  expect(lost.status).toBe(403)
  expect(await recordsOf(lost.headers['x-request-id'])).toEqual([])
})

test('a request that is sent again with its Idempotency-Key is told once', async () => {
  const send = () =>
    index.call('POST /v1/networks', {
      as: index.admin,
      headers: { 'idempotency-key': 'told-once' },
      body: { name: 'once' },
    })
  const [first, second] = [await send(), await send()]
  expect(second.body.network).toBe(first.body.network)
  const { body } = await index.call('GET /v1/audit', {
    as: index.admin,
    query: { subject: first.body.network },
  })
  expect(body.items).toHaveLength(1)
})

test('no secret is in the trail', async () => {
  const scene = await newScene()
  const { code } = await madeInvite(scene)
  const { body } = await admin('POST /v1/api-keys', { name: 'secret', role: 'read' })
  const proof = await index.proofOf(newDevice())
  await index.call('POST /v1/enrolments', { body: { invite: code, proof } })
  const hook = await admin('POST /v1/webhooks', HEARING)
  const text = JSON.stringify((await admin('GET /v1/audit')).body)
  for (const secret of [hook.body.secret, code, body.token, body.token.split('_')[2], proof, 'secretHash'])
    expect(text).not.toContain(secret)
})

test('who reads the trail', async () => {
  const { network, owner, member, stranger } = await newScene()
  const status = async (as: string | undefined, path: string) =>
    (await index.call(`GET ${path}`, as === undefined ? {} : { as })).status
  const ofNetwork = `/v1/networks/${network}/audit`
  expect(await status(index.admin, '/v1/audit')).toBe(200)
  // It tells of API keys, which a read key does not see.
  expect(await status(index.reader, '/v1/audit')).toBe(403)
  expect(await status(owner.ticket, '/v1/audit')).toBe(403)
  expect(await status(undefined, '/v1/audit')).toBe(401)
  expect(await status(index.reader, ofNetwork)).toBe(200)
  expect(await status(owner.ticket, ofNetwork)).toBe(200)
  expect(await status(member.ticket, ofNetwork)).toBe(403)
  expect(await status(stranger.ticket, ofNetwork)).toBe(404)
})

test("an admin's trail holds nothing of another network, whatever the query says", async () => {
  const [mine, other] = [await newScene(), await newScene()]
  await admin(`PATCH /v1/networks/${other.network}`, { name: 'hidden' })
  await admin(`PATCH /v1/networks/${mine.network}`, { name: 'shown' })
  const read = (query: Record<string, string>) =>
    index.call(`GET /v1/networks/${mine.network}/audit`, { as: mine.owner.ticket, query })
  const subjects = async (query: Record<string, string>) =>
    new Set((await read(query)).body.items.map(({ subject }: AuditRecord) => subject))
  const key = `key:${index.admin.split('_')[1]}`
  expect(await subjects({ by: key })).toEqual(new Set([mine.network]))
  expect(await subjects({ operation: 'updateNetwork' })).toEqual(new Set([mine.network]))
  expect((await read({ subject: other.network })).status).toBe(400)
})

test('the trail is searched by subject, author, operation and time, in pages that miss nothing', async () => {
  const { network } = await newScene()
  const second = (await admin('POST /v1/api-keys', { name: 'second', role: 'admin' })).body
  const by = `key:${second.key}`
  const door = `PATCH /v1/networks/${network}`
  const times: number[] = []
  for (let n = 0; n < 7; n++) {
    times.push(index.now())
    await index.call(door, { as: n % 2 === 0 ? second.token : index.admin, body: { attributes: { n } } })
    // Over two months, so that the pages cross partitions.
    index.pass(5 * 24 * 3600_000)
  }
  const all = async (query: Record<string, string>) => {
    const found: AuditRecord[] = []
    let cursor: string | undefined
    do {
      const asked = { ...query, limit: '2', ...(cursor && { cursor }) }
      const { body } = await index.call('GET /v1/audit', { as: index.admin, query: asked })
      expect(body.items.length).toBeLessThanOrEqual(2)
      found.push(...body.items)
      cursor = body.cursor
    } while (cursor !== undefined)
    return found.filter(({ subject }) => subject === network).map(({ at }) => times.indexOf(at))
  }
  expect(await all({ subject: network })).toEqual([6, 5, 4, 3, 2, 1, 0])
  expect(await all({ by })).toEqual([6, 4, 2, 0])
  expect(await all({ subject: network, by })).toEqual([6, 4, 2, 0])
  expect(await all({ operation: 'updateNetwork' })).toEqual([6, 5, 4, 3, 2, 1, 0])
  expect(await all({ since: `${times[2]}`, until: `${times[4]}` })).toEqual([4, 3, 2])
  expect(await all({ subject: network, since: `${times[2]}`, until: `${times[4]}` })).toEqual([4, 3, 2])
  // Kept for a year.
  index.pass(LIMITS.auditMs - 20 * 24 * 3600_000 + 1)
  expect(await all({})).toEqual([6, 5, 4])
  expect(await all({ subject: network })).toEqual([6, 5, 4])
})

test.each([
  [{ cursor: 'AAAA' }],
  [{ cursor: Buffer.from('000000000000001.aaaaaaaaab\n').toString('base64url') }],
  [{ by: 'key:' }],
  [{ since: '-1' }],
  [{ since: '1e9' }],
  [{ until: '99999999999999' }],
  [{ subject: 'a#b' }],
  [{ subject: '' }],
])('a query of %j is refused', async (query) => {
  expect((await index.call('GET /v1/audit', { as: index.admin, query })).status).toBe(400)
})

test('the trail forgets the contents of a deleted user, and keeps that it was changed', async () => {
  const { member } = await newScene()
  await admin(`PATCH /v1/users/${member.user}`, { name: 'Private Name' })
  await admin(`DELETE /v1/users/${member.user}`)
  const { body } = await index.call('GET /v1/audit', { as: index.admin, query: { subject: member.user } })
  const operations = body.items.map(({ operation }: AuditRecord) => operation)
  expect(operations).toEqual(expect.arrayContaining(['deleteUser', 'updateUser']))
  expect(JSON.stringify(body)).not.toContain('Private Name')
  for (const item of body.items) expect(item).not.toHaveProperty('before')
})
