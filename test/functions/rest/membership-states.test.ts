import { afterAll, beforeAll, expect, test } from 'vitest'
import { createJobRunner } from '../../../functions/jobs/index.ts'
import { asFunction } from '../permitted.ts'
import { type IndexUnderTest, startIndex } from './index-under-test.ts'
import { newDevice } from './society.ts'

let index: IndexUnderTest

beforeAll(async () => {
  index = await startIndex({}, { indexed: false })
})
afterAll(() => index.close())

const door = (network: string, user: string) => `/v1/networks/${network}/members/${user}`

async function inviteTo(network: string, as = index.admin, body: object = {}): Promise<string> {
  const answer = await index.call(`POST /v1/networks/${network}/invites`, { as, body })
  index.pass(1)
  return answer.body.code
}

async function enrolBy(code: string, device: ReturnType<typeof newDevice>) {
  return index.call('POST /v1/enrolments', { body: { invite: code, proof: await index.proofOf(device) } })
}

test('a stranger makes nobody a member or owner: whoever is added has to accept', async () => {
  const common = await index.network()
  const [ann, victim] = [
    await index.member({ [common]: 'member' }),
    await index.member({ [common]: 'member' }),
  ]
  const { body: trap } = await index.call('POST /v1/networks', { as: ann.ticket, body: { name: 'trap' } })
  const added = await index.call(`PUT ${door(trap.network, victim.user)}`, {
    as: ann.ticket,
    body: { role: 'owner' },
  })
  expect(added).toMatchObject({ status: 200, body: { state: 'invited', role: 'owner', by: ann.user } })
  const user = await index.call(`GET /v1/users/${victim.user}`, { as: victim.ticket })
  expect(user.body.networks).toEqual([common])
  expect((await index.call(`GET /v1/networks/${trap.network}`, { as: victim.ticket })).status).toBe(404)
  expect((await index.call(`GET /v1/networks/${trap.network}`, { as: index.admin })).body.owners).toBe(1)
  const known = await index.call(`GET /v1/users/${victim.user}/memberships`, { as: victim.ticket })
  expect(known.body.items).toContainEqual(
    expect.objectContaining({ network: trap.network, state: 'invited' }),
  )
  expect((await index.call(`DELETE /v1/users/${victim.user}`, { as: victim.ticket })).status).toBe(202)
})

test('whoever is invited accepts or declines, and says no more than that', async () => {
  const [network, common] = [await index.network(), await index.network()]
  const admin = await index.member({ [network]: 'admin', [common]: 'guest' })
  const [ann, ben] = [await index.member({ [common]: 'guest' }), await index.member({ [common]: 'guest' })]
  for (const { user } of [ann, ben])
    await index.call(`PUT ${door(network, user)}`, { as: admin.ticket, body: { role: 'guest' } })
  const more = await index.call(`PUT ${door(network, ann.user)}`, { as: ann.ticket, body: { role: 'admin' } })
  expect(more.status).toBe(403)
  expect(await index.call(`PUT ${door(network, ann.user)}`, { as: ann.ticket, body: {} })).toMatchObject({
    status: 200,
    body: { state: 'active', role: 'guest', by: ann.user, joinedAt: expect.any(Number) },
  })
  expect((await index.call(`GET /v1/networks/${network}`, { as: ann.ticket })).status).toBe(200)
  expect((await index.call(`DELETE ${door(network, ben.user)}`, { as: ben.ticket })).status).toBe(204)
  expect((await index.call(`GET ${door(network, ben.user)}`, { as: admin.ticket })).status).toBe(404)
})

test.each([
  ['is demoted', { role: 'member' }],
  ['is suspended', { state: 'suspended' }],
  ['is removed', undefined],
] as const)('an invitation ends when whoever made it %s', async (_, change) => {
  const [network, common] = [await index.network(), await index.network()]
  const admin = await index.member({ [network]: 'admin', [common]: 'guest' })
  const second = await index.member({ [common]: 'guest' })
  const put = (as: string, body: object) => index.call(`PUT ${door(network, second.user)}`, { as, body })
  expect((await put(admin.ticket, { role: 'admin' })).body.state).toBe('invited')
  const target = door(network, admin.user)
  await (change === undefined
    ? index.call(`DELETE ${target}`, { as: index.admin })
    : index.call(`PUT ${target}`, { as: index.admin, body: change }))
  expect(await put(second.ticket, {})).toMatchObject({ status: 410, body: { code: 'gone' } })
  expect((await index.call(`GET /v1/networks/${network}`, { as: second.ticket })).status).toBe(404)
  const owner = await index.member({ [network]: 'owner', [common]: 'guest' })
  expect((await put(owner.ticket, { role: 'admin' })).body).toMatchObject({
    state: 'invited',
    by: owner.user,
  })
  expect((await put(second.ticket, {})).body).toMatchObject({ state: 'active', role: 'admin' })
})

test('a kicked member does not come back by the same reusable invite, by a newer one it does', async () => {
  const network = await index.network()
  const device = newDevice()
  const code = await inviteTo(network, index.admin, { uses: 10 })
  const { body } = await enrolBy(code, device)
  index.pass(1)
  expect((await index.call(`DELETE ${door(network, body.user)}`, { as: index.admin })).status).toBe(204)
  expect(await enrolBy(code, device)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
  index.pass(1)
  expect((await enrolBy(await inviteTo(network), device)).status).toBe(201)
})

test.each([
  'suspended',
  'banned',
] as const)('a %s member is out, and no invite brings it back', async (state) => {
  const network = await index.network()
  const ann = await index.member({ [network]: 'member' })
  const put = (body: object, as = index.admin) => index.call(`PUT ${door(network, ann.user)}`, { as, body })
  expect((await put({ state })).body).toMatchObject({ state, role: 'member' })
  expect((await index.call(`GET /v1/networks/${network}`, { as: ann.ticket })).status).toBe(404)
  index.pass(1)
  expect((await enrolBy(await inviteTo(network), ann)).status).toBe(403)
  expect((await index.call(`DELETE ${door(network, ann.user)}`, { as: ann.ticket })).status).toBe(404)
  expect((await put({ state: 'active' }, ann.ticket)).status).toBe(404)
  expect((await put({ state: 'active' })).body.state).toBe('active')
  expect((await index.call(`GET /v1/networks/${network}`, { as: ann.ticket })).status).toBe(200)
})

test('a removed admin does not return by an invite it made', async () => {
  const network = await index.network()
  const admin = await index.member({ [network]: 'admin' })
  const code = await inviteTo(network, admin.ticket, { role: 'admin', uses: 5 })
  await index.call(`PUT ${door(network, admin.user)}`, { as: index.admin, body: { role: 'member' } })
  expect(await enrolBy(code, newDevice())).toMatchObject({ status: 410, body: { code: 'gone' } })
  await index.call(`DELETE ${door(network, admin.user)}`, { as: index.admin })
  expect((await enrolBy(code, newDevice())).status).toBe(410)
})

test('an invite of an API key ends with the key', async () => {
  const network = await index.network()
  const key = await index.call('POST /v1/api-keys', { as: index.admin, body: { name: 'ci', role: 'admin' } })
  const code = await inviteTo(network, key.body.token, { uses: 2 })
  expect((await enrolBy(code, newDevice())).status).toBe(201)
  await index.call(`DELETE /v1/api-keys/${key.body.key}`, { as: index.admin })
  expect((await enrolBy(code, newDevice())).status).toBe(410)
})

test("a deleted user's keys do not come back", async () => {
  const network = await index.network()
  const ann = await index.member({ [network]: 'member' })
  await index.call(`DELETE /v1/users/${ann.user}`, { as: index.admin })
  index.pass(60_000)
  await createJobRunner({ client: asFunction(index.client, 'jobs'), now: index.now })(
    {} as never,
    {} as never,
  )
  expect((await enrolBy(await inviteTo(network), ann)).status).toBe(403)
  const { user } = await index.member({})
  const bind = await index.call('POST /v1/peers', { as: index.admin, body: { peer: ann.peer, user } })
  expect(bind.status).toBe(403)
})

test('a network takes requests, or lets everybody in, if it says so', async () => {
  const network = await index.network()
  const [ann, ben] = [await index.member({}), await index.member({})]
  const joining = (how: string) =>
    index.call(`PATCH /v1/networks/${network}`, { as: index.admin, body: { joining: how } })
  const ask = (who: typeof ann) => index.call(`PUT ${door(network, who.user)}`, { as: who.ticket, body: {} })
  expect((await ask(ann)).status).toBe(404)
  await joining('approval')
  expect((await ask(ann)).body).toMatchObject({ state: 'requested', role: 'member' })
  const requests = await index.call(`GET /v1/networks/${network}/members`, {
    as: index.admin,
    query: { state: 'requested' },
  })
  expect(requests.body.items).toMatchObject([{ user: ann.user, state: 'requested' }])
  await index.call(`PUT ${door(network, ann.user)}`, { as: index.admin, body: {} })
  expect((await index.call(`GET /v1/networks/${network}`, { as: ann.ticket })).status).toBe(200)
  await joining('open')
  expect((await ask(ben)).body.state).toBe('active')
  expect(
    (await index.call(`GET /v1/networks/${network}/members`, { as: ben.ticket })).body.items,
  ).toHaveLength(2)
})
