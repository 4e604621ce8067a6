/** ID tokens with every odd claim, header and key set: a person is never refused wrongly, and nobody else gets in. */
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { exportJWK, SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createIdentityProvider } from '../../../functions/rest/oidc.ts'
import type { PeerId } from '../../../shared/ids.ts'

interface Published {
  readonly kid?: string
  readonly key: KeyObject
}

const [first, second, stranger] = [newKeys(), newKeys(), newKeys()]
const peer = 'a'.repeat(52) as PeerId
const now = Date.now()
let published: Published[] = []
/** The answer of the provider to a request for its keys, if not the published ones. */
let answer: { readonly status: number; readonly body: string } | undefined
let fetches = 0
let issuer = ''
let provider: ReturnType<typeof createIdentityProvider>

const server = createServer(async (request, response) => {
  response.setHeader('content-type', 'application/json')
  if (request.url !== '/keys') {
    response.end(JSON.stringify({ issuer, jwks_uri: `${issuer}/keys` }))
    return
  }
  fetches++
  if (answer !== undefined) {
    response.writeHead(answer.status).end(answer.body)
    return
  }
  const keys = published.map(async ({ kid, key }) => ({ ...(await exportJWK(key)), ...(kid && { kid }) }))
  response.end(JSON.stringify({ keys: await Promise.all(keys) }))
})

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
beforeEach(() => {
  published = [{ kid: 'p1', key: first.publicKey }]
  answer = undefined
  fetches = 0
  provider = createIdentityProvider({ issuer, audience: 'app' })
})
afterAll(() => server.close())

function newKeys() {
  return generateKeyPairSync('ed25519')
}

const seconds = (ms: number) => Math.floor((now + ms) / 1000)
const claimsOf = (claims: object) => ({
  ...{ iss: issuer, aud: 'app', sub: 'ann', exp: seconds(3600_000) },
  ...claims,
})
const token = (claims: object, key = first.privateKey, kid: string | undefined = 'p1') =>
  new SignJWT(claimsOf(claims)).setProtectedHeader({ alg: 'EdDSA', ...(kid && { kid }) }).sign(key)
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

async function expectGood(idToken: string, expected = {}, good = true): Promise<void> {
  const verified = provider.verify(idToken, now, expected)
  if (good) expect((await verified).subject).toBe(`${issuer}#ann`)
  else await expect(verified).rejects.toMatchObject({ code: 'unauthenticated' })
}

describe('a token', () => {
  test.each([
    ['that ended within a minute', { exp: seconds(-50_000) }, {}, true],
    ['that ended before', { exp: seconds(-70_000) }, {}, false],
    ['that ends in no time to come', { exp: 1e300 }, {}, true],
    ['whose end is a text', { exp: `${seconds(3600_000)}` }, {}, false],
    ['that has no end', { exp: undefined }, {}, false],
    ['that begins within a minute', { nbf: seconds(50_000) }, {}, true],
    ['that begins later', { nbf: seconds(70_000) }, {}, false],
    ['whose beginning is a text', { nbf: 'now' }, {}, false],
    ['whose time is a text', { iat: `${seconds(0)}` }, {}, false],
    ['of an empty subject', { sub: '' }, {}, false],
    ['of a subject that is no ASCII', { sub: 'é' }, {}, false],
    ['of a subject that is a list of one', { sub: ['ann'] }, {}, false],
    ['of a subject that is a number', { sub: 5 }, {}, false],
    ['of no subject', { sub: null }, {}, false],
    ['of a longer subject than there is', { sub: 'a'.repeat(256) }, {}, false],
    ['for another party', { azp: 'other' }, {}, false],
    ['for a list of parties', { azp: ['app'] }, {}, false],
    ['for us as party', { azp: 'app' }, {}, true],
    ['for us in a list of one', { aud: ['app'] }, {}, true],
    ['for nobody', { aud: [] }, {}, false],
    ['for a number', { aud: 5 }, {}, false],
    ['for us as a part of a name', { aud: 'application' }, {}, false],
    ['for several without a party', { aud: ['app', 'other'] }, {}, false],
    ['for several with us as party', { aud: ['app', 'other'], azp: 'app' }, {}, true],
    ['of another issuer', { iss: 'http://elsewhere' }, {}, false],
    ['of a list of issuers', { iss: ['x'] }, {}, false],
    ['of the nonce that was sent along', { nonce: 'n1' }, { nonce: 'n1' }, true],
    ['of another nonce', { nonce: 'n1' }, { nonce: 'n2' }, false],
    ['of a list of the nonce', { nonce: ['n1'] }, { nonce: 'n1' }, false],
    ['of a nonce that nobody sent along', { nonce: 'n1' }, { peer }, false],
    ['of the peer as nonce', { nonce: peer }, { peer }, true],
    ['of another peer as nonce', { nonce: 'b'.repeat(52) }, { peer }, false],
    ['without the nonce that was sent along', {}, { nonce: 'n1' }, false],
    ['without a nonce', {}, { peer }, true],
  ])('%s', async (_, claims, expected, good) => {
    await expectGood(await token(claims), expected, good)
  })

  test.each<[string, object, (signed: string) => string]>([
    ['without a signature', { alg: 'none' }, () => ''],
    ['signed with nothing', { alg: 'none', kid: 'p1' }, () => 'AAAA'],
    ['signed with the public key as a secret', { alg: 'HS256', kid: 'p1' }, hmacWithPublicKey],
    ['with a critical part that nobody knows', { alg: 'EdDSA', kid: 'p1', crit: ['x'], x: 1 }, () => 'AAAA'],
    ['whose body is not encoded', { alg: 'EdDSA', kid: 'p1', crit: ['b64'], b64: false }, () => 'AAAA'],
    [
      'that brings its own key',
      { alg: 'EdDSA', jwk: { kty: 'OKP', crv: 'Ed25519', x: 'AAAA' } },
      () => 'AAAA',
    ],
    ['of a key that is no text', { alg: 'EdDSA', kid: ['p1'] }, () => 'AAAA'],
    ['of the key __proto__', { alg: 'EdDSA', kid: '__proto__' }, () => 'AAAA'],
  ])('%s is refused', async (_, header, signatureOf) => {
    const signed = `${part(header)}.${part(claimsOf({}))}`
    await expectGood(`${signed}.${signatureOf(signed)}`, {}, false)
  })

  test.each([
    '',
    '.',
    '..',
    'a.b.c',
    'x'.repeat(16_000),
    'e30.e30.',
    `${part(null)}.${part({})}.AAAA`,
    'a.b.c.d.e',
  ])('that is none is refused: %.20s', (idToken) => expectGood(idToken, {}, false))
})

function hmacWithPublicKey(signed: string): string {
  const secret = first.publicKey.export({ type: 'spki', format: 'pem' })
  return createHmac('sha256', secret).update(signed).digest('base64url')
}

describe('a key set', () => {
  test.each<[string, Published[], string | undefined]>([
    ['of one key without a name', [{ key: first.publicKey }], undefined],
    ['of keys without names', [{ key: second.publicKey }, { key: first.publicKey }], undefined],
    [
      'of two keys of one name',
      [
        { kid: 'p1', key: second.publicKey },
        { kid: 'p1', key: first.publicKey },
      ],
      'p1',
    ],
    [
      'of several, for a token that names none',
      [
        { kid: 'p2', key: second.publicKey },
        { kid: 'p1', key: first.publicKey },
      ],
      undefined,
    ],
  ])('%s is one', async (_, keys, kid) => {
    published = keys
    await expectGood(await token({}, first.privateKey, kid ?? ''))
    await expectGood(await token({}, stranger.privateKey, kid ?? ''), {}, false)
    await expectGood(await token({ aud: 'other' }, first.privateKey, kid ?? ''), {}, false)
  })

  test('with a key that the provider has just begun to use is fetched again', async () => {
    await expectGood(await token({}))
    published.push({ kid: 'p2', key: second.publicKey })
    await expectGood(await token({}, second.privateKey, 'p2'))
  })

  test('is fetched at most once a second for tokens of keys that nobody knows', async () => {
    await expectGood(await token({}))
    const answers: Promise<void>[] = []
    for (let i = 0; i < 20; i++) {
      answers.push(expectGood(await token({}, stranger.privateKey, `u${i}`), {}, false))
      await delay(20)
    }
    await Promise.all(answers)
    expect(fetches).toBeLessThanOrEqual(3)
  })

  test.each([
    ['does not answer', 500, '{}'],
    ['answers something else', 200, '<html>'],
    ['answers no keys', 200, '{"keys":{}}'],
    ['answers nothing', 200, ''],
    ['is elsewhere', 302, ''],
  ])('is not the fault of the person when the provider %s', async (_, status, body) => {
    answer = { status, body }
    await expect(provider.verify(await token({}), now)).rejects.toMatchObject({ code: 'unavailable' })
    answer = undefined
    await expectGood(await token({}))
  })
})

test.each([
  ['Zoe\u0308', 'Zo\u00eb'],
  ['\ufb2c'.repeat(40), '\u05e9\u05bc\u05c1'.repeat(40).slice(0, 32)],
  ['  Ann  ', 'Ann'],
  ['\ud800', '\ufffd'],
  ['   ', undefined],
  [['Ann'], undefined],
])('the name %j is kept as any name is', async (name, kept) => {
  expect((await provider.verify(await token({ name }), now)).name).toBe(kept)
})
