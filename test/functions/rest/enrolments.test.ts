import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { verifyTicket } from '../../../shared/crypto/ticket.ts'
import { LIMITS } from '../../../shared/limits.ts'
import { type IndexUnderTest, startIndex } from './index-under-test.ts'
import { newDevice } from './society.ts'

let index: IndexUnderTest
const provider = await startProvider()

beforeAll(async () => {
  const oidc = { issuer: provider.issuer, audience: 'app' }
  index = await startIndex({ oidc }, { indexed: false })
})
afterAll(async () => {
  await index.close()
  await provider.close()
})

async function inviteTo(network: string, body: object = {}) {
  return (await index.call(`POST /v1/networks/${network}/invites`, { as: index.admin, body })).body
}

async function enrolBy(code: string, device = newDevice(), more: object = {}) {
  const proof = await index.proofOf(device)
  return index.call('POST /v1/enrolments', { body: { invite: code, proof, ...more } })
}

test('an invite makes a user, a membership and a peer, and gives a ticket that nodes accept', async () => {
  const network = await index.network()
  const { code } = await inviteTo(network, { role: 'admin' })
  const device = newDevice()
  const { status, body } = await enrolBy(code, device, { name: 'laptop', user: { name: 'Ann' } })
  expect(status).toBe(201)
  expect(body).toMatchObject({ peer: device.peer, networks: [network], expiresAt: expect.any(Number) })

  const keys = new Map([['k1', Buffer.from(index.config.ticketKey.x, 'base64url')]])
  const issuedAt = Math.floor(index.now() / 1000) * 1000
  expect(verifyTicket(body.ticket, keys, index.now())).toEqual({
    ok: true,
    ticket: {
      peer: device.peer,
      user: body.user,
      issuedAt,
      expiresAt: issuedAt + LIMITS.signInTicketMs,
    },
  })
  const members = await index.call(`GET /v1/networks/${network}/members`, { as: body.ticket })
  expect(members.body.items).toMatchObject([{ user: body.user, name: 'Ann', role: 'admin' }])
  expect((await index.call(`GET /v1/peers/${device.peer}`, { as: body.ticket })).body.name).toBe('laptop')
})

test('a code is four groups of four letters, however it is typed, and is kept as a hash', async () => {
  const network = await index.network()
  const { code, invite, prefix } = await inviteTo(network, { uses: 2 })
  expect(code).toMatch(/^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/)
  expect(code.startsWith(prefix)).toBe(true)
  expect((await enrolBy(` ${code.toUpperCase().replaceAll('-', '')} `)).status).toBe(201)
  const { body } = await index.call(`GET /v1/networks/${network}/invites`, { as: index.admin })
  expect(body.items).toMatchObject([{ invite, prefix, uses: 2, used: 1 }])
  expect(JSON.stringify(body)).not.toContain(code.slice(5))
})

test('of many who use a one-use invite at once, one gets in', async () => {
  const network = await index.network()
  const { code } = await inviteTo(network)
  const answers = await Promise.all(Array.from({ length: 8 }, () => enrolBy(code)))
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 410, 410, 410, 410, 410, 410, 410])
  const { body } = await index.call(`GET /v1/networks/${network}/members`, { as: index.admin })
  expect(body.items).toHaveLength(1)
})

test('enrolling the same peer again, even at once, uses the invite once', async () => {
  const network = await index.network()
  const { code } = await inviteTo(network, { uses: 5 })
  const device = newDevice()
  const answers = await Promise.all([enrolBy(code, device), enrolBy(code, device), enrolBy(code, device)])
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 201])
  expect(new Set(answers.map(({ body }) => body.user)).size).toBe(1)
  const { body } = await index.call(`GET /v1/networks/${network}/invites`, { as: index.admin })
  expect(body.items).toMatchObject([{ used: 1 }])
})

test('a peer that has used an invite up gets in again with it, nobody else does', async () => {
  const { code } = await inviteTo(await index.network())
  const device = newDevice()
  expect((await enrolBy(code, device)).status).toBe(201)
  expect((await enrolBy(code, device)).status).toBe(200)
  expect(await enrolBy(code)).toMatchObject({ status: 410, body: { code: 'gone' } })
})

test('an enrolled peer enters a further network by an invite to it', async () => {
  const [first, second] = [await index.network(), await index.network()]
  const device = newDevice()
  const one = await enrolBy((await inviteTo(first)).code, device)
  const two = await enrolBy((await inviteTo(second)).code, device)
  expect(two).toMatchObject({ status: 201, body: { user: one.body.user, networks: [first, second].sort() } })
})

test('an invite ends', async () => {
  const { code } = await inviteTo(await index.network(), { validMs: 60_000 })
  index.pass(60_000)
  expect(await enrolBy(code)).toMatchObject({ status: 410, body: { code: 'gone' } })
})

test('an invite that names a user brings a further peer of that user', async () => {
  const network = await index.network()
  const ann = await index.member({ [network]: 'guest' }, 'Ann')
  const own = await index.call(`POST /v1/networks/${network}/invites`, {
    as: ann.ticket,
    body: { user: ann.user },
  })
  expect(own.status).toBe(201)
  expect(own.body.role).toBeUndefined()
  const phone = newDevice()
  expect(await enrolBy(own.body.code, phone)).toMatchObject({ status: 201, body: { user: ann.user } })
})

test('an invite that a user made for itself does not bring it back where it was removed', async () => {
  const network = await index.network()
  const ann = await index.member({ [network]: 'guest' }, 'Ann')
  const { body } = await index.call(`POST /v1/networks/${network}/invites`, {
    as: ann.ticket,
    body: { user: ann.user, role: 'guest' },
  })
  await index.call(`DELETE /v1/networks/${network}/members/${ann.user}`, { as: index.admin })
  expect(await enrolBy(body.code)).toMatchObject({ status: 410 })
})

test("another user's peer is refused an invite that names somebody else", async () => {
  const network = await index.network()
  const [ann, ben] = [await index.member({}, 'Ann'), await index.member({}, 'Ben')]
  const { code } = await inviteTo(network, { user: ann.user })
  expect(await enrolBy(code, ben)).toMatchObject({ status: 409, body: { code: 'conflict' } })
})

test('a network that is not there any more is not entered', async () => {
  const network = await index.network()
  const { code } = await inviteTo(network)
  await index.call(`DELETE /v1/networks/${network}`, { as: index.admin })
  expect(await enrolBy(code)).toMatchObject({ status: 404 })
})

test.each([
  ['another key', async () => index.proofOf({ ...newDevice(), peer: newDevice().peer })],
  ['another deployment', async () => index.proofOf(newDevice(), { aud: 'straightway-index://evil.test' })],
  ['another door', async () => index.proofOf(newDevice(), { aud: 'straightway-gateway://index.test' })],
  ['no deployment', async () => index.proofOf(newDevice(), { aud: 'straightway' })],
  ['no number', async () => index.proofOf(newDevice(), { jti: '' })],
  ['another type', async () => index.proofOf(newDevice(), { typ: 'JWT' })],
  ['a time long ago', async () => index.proofOf(newDevice(), { iat: index.now() - 121_000 })],
  ['a time to come', async () => index.proofOf(newDevice(), { iat: index.now() + 122_000 })],
  ['a subject that is no peer', async () => index.proofOf(newDevice(), { sub: 'u_aaaaaaaaaaaaaaaa' })],
  ['no form', async () => 'garbage'],
])('a proof of %s is refused', async (_, make) => {
  const proof = await make()
  expect(await index.call('POST /v1/tickets', { body: { proof } })).toMatchObject({
    status: 401,
    body: { code: 'unauthenticated', detail: expect.stringContaining('proof') },
  })
})

test('a proof that somebody overheard is no good a second time, at whatever door and however many try at once', async () => {
  const network = await index.network()
  const ann = await index.member({ [network]: 'member' })
  const overheard = await index.proofOf(ann)
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => index.call('POST /v1/tickets', { body: { proof: overheard } })),
  )
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  const { code } = await inviteTo(network)
  expect(await index.call('POST /v1/enrolments', { body: { proof: overheard, invite: code } })).toMatchObject(
    {
      status: 401,
      body: { detail: expect.stringContaining('used before') },
    },
  )
})

test('an unknown peer gets no ticket, a revoked one neither, and it cannot enrol again', async () => {
  const network = await index.network()
  const ann = await index.member({ [network]: 'member' })
  const ticket = async (device = newDevice()) =>
    index.call('POST /v1/tickets', { body: { proof: await index.proofOf(device) } })
  expect(await ticket()).toMatchObject({ status: 404, body: { code: 'unknown-peer' } })
  expect((await index.call(`DELETE /v1/peers/${ann.peer}`, { as: ann.ticket })).status).toBe(204)
  expect(await ticket(ann)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
  expect(await index.call('GET /v1/networks', { as: ann.ticket })).toMatchObject({ status: 403 })
  expect(await enrolBy((await inviteTo(network)).code, ann)).toMatchObject({ status: 403 })
})

test('an ID token enrols the user of its subject, the same one from every device', async () => {
  const enrolAs = async (idToken: string, more: object = {}) => {
    const proof = await index.proofOf(newDevice())
    return index.call('POST /v1/enrolments', { body: { idToken, proof, ...more } })
  }
  const token = await provider.idToken({ sub: 'ann', name: 'Ann' })
  const answers = await Promise.all([enrolAs(token), enrolAs(token)])
  expect(answers.map(({ status }) => status)).toEqual([201, 201])
  expect(answers[0]!.body.user).toBe(answers[1]!.body.user)
  expect(
    (await index.call(`GET /v1/users/${answers[0]!.body.user}`, { as: index.admin })).body,
  ).toMatchObject({
    name: 'Ann',
    subject: `${provider.issuer}#ann`,
  })
  const network = await index.network()
  const { code } = await inviteTo(network)
  expect(await enrolAs(token, { invite: code })).toMatchObject({
    status: 201,
    body: { user: answers[0]!.body.user, networks: [network] },
  })
})

test('an ID token of another audience, issuer, key or time is refused', async () => {
  const tokens = await Promise.all([
    provider.idToken({ sub: 'ann', aud: 'other' }),
    provider.idToken({ sub: 'ann', iss: 'https://elsewhere' }),
    provider.idToken({ sub: 'ann', exp: 1 }),
    provider.idToken({ sub: 'ann' }, generateKeyPairSync('ed25519').privateKey),
  ])
  for (const idToken of tokens) {
    const proof = await index.proofOf(newDevice())
    const answer = await index.call('POST /v1/enrolments', { body: { idToken, proof } })
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
  }
})

test('an enrolment without invite and ID token is refused', async () => {
  const proof = await index.proofOf(newDevice())
  expect(await index.call('POST /v1/enrolments', { body: { proof } })).toMatchObject({
    status: 400,
    body: { detail: 'give an `invite` or an `idToken`' },
  })
})

test('a ticket is no credential after a day, although nodes accept it for longer', async () => {
  const ann = await index.member({})
  expect((await index.call('GET /v1/networks', { as: ann.ticket })).status).toBe(200)
  index.pass(LIMITS.ticketMs)
  expect((await index.call('GET /v1/networks', { as: ann.ticket })).body.code).toBe('unauthenticated')
  const keys = new Map([['k1', Buffer.from(index.config.ticketKey.x, 'base64url')]])
  const atNode = (age: number) => verifyTicket(ann.ticket, keys, index.now() - LIMITS.ticketMs + age)
  expect(atNode(LIMITS.ticketMs)).toMatchObject({ ok: true, ticket: { peer: ann.peer } })
  expect(atNode(LIMITS.signInTicketMs + 1000)).toEqual({ ok: false, status: 'ended' })
})

async function startProvider() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'p1', alg: 'EdDSA' }
  const server = createServer((request, response) => {
    const documents: Record<string, unknown> = {
      '/.well-known/openid-configuration': { issuer, jwks_uri: `${issuer}/keys` },
      '/keys': { keys: [jwk] },
    }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(documents[request.url ?? '']))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    issuer,
    idToken: ({ sub, ...claims }: Record<string, unknown> & { sub: string }, key = privateKey) =>
      new SignJWT({ iss: issuer, aud: 'app', exp: Math.floor(Date.now() / 1000) + 3600, ...claims })
        .setProtectedHeader({ alg: 'EdDSA', kid: 'p1' })
        .setSubject(sub)
        .sign(key),
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

test('a name of ours without a port is ours at every port, and no other name is', async () => {
  const doors = ['straightway-index://index.test:4566', 'straightway-index://index.test']
  for (const aud of doors) {
    const { status } = await index.call('POST /v1/tickets', {
      body: { proof: await index.proofOf(newDevice(), { aud }) },
    })
    expect(status, aud).toBe(404)
  }
  for (const aud of ['straightway-index://index.test.evil:4566', 'straightway-index://evil.test:4566']) {
    const { status } = await index.call('POST /v1/tickets', {
      body: { proof: await index.proofOf(newDevice(), { aud }) },
    })
    expect(status, aud).toBe(401)
  }
})
