import { exportJWK, importJWK, jwtVerify, SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { fleetKeysOf, ticketKeysOf } from '../shared/secrets.ts'

const VERSIONS = { current: 'now', pending: 'next', previous: 'before' }

test('the key in use comes first, then what will be and what was', () => {
  const [current, pending, previous] = fleetKeysOf(VERSIONS)
  expect(fleetKeysOf({ current: 'next' })).toEqual([pending])
  expect(fleetKeysOf({ current: 'before' })).toEqual([previous])
  expect(Buffer.from(current!, 'base64')).toHaveLength(32)
})

test('before and after a promotion everybody opens what anybody seals', () => {
  const before = fleetKeysOf({ current: 'now', pending: 'next' })
  const after = fleetKeysOf({ current: 'next', previous: 'now' })
  expect(after).toContain(before[0])
  expect(before).toContain(after[0])
})

test('a ticket that the current key signs is verified with its public part', async () => {
  const { signing } = ticketKeysOf(VERSIONS)
  const token = await new SignJWT({ sub: 'x' })
    .setProtectedHeader({ alg: 'EdDSA', kid: signing.kid })
    .sign(await importJWK({ ...signing }, 'EdDSA'))
  const { d: _, ...published } = signing
  expect((await jwtVerify(token, await importJWK(published, 'EdDSA'))).payload.sub).toBe('x')
})

test('what is published of the other keys is only public', async () => {
  const { others, signing } = ticketKeysOf(VERSIONS)
  expect(others.map(({ kid }) => kid)).not.toContain(signing.kid)
  for (const key of others)
    expect(await exportJWK(await importJWK({ ...key }, 'EdDSA'))).not.toHaveProperty('d')
})
