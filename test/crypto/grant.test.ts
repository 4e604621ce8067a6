import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  GRANT_BYTES,
  type Grant,
  grantKey,
  handshakeKeys,
  openGrant,
  sealGrant,
} from '../../shared/crypto/grant.ts'
import { peerIdOf, type TunnelId, toBase32 } from '../../shared/ids.ts'
import { PATHS } from '../../shared/paths.ts'
import { addressOf } from '../../shared/wire/address.ts'
import { hexOf } from './hex.ts'

const FLEET = new Uint8Array(32).fill(1)
const NEXT = new Uint8Array(32).fill(2)
const NONCE = new Uint8Array(24).fill(3)

const grants: fc.Arbitrary<Grant> = fc.record({
  tunnel: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => toBase32(bytes) as TunnelId),
  leg: fc.constantFrom(0 as const, 1 as const),
  self: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(peerIdOf),
  other: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(peerIdOf),
  expiresAt: fc.nat(2 ** 48 - 1),
  paths: fc.constantFrom(...PATHS),
  from: fc.uint32Array({ minLength: 5, maxLength: 5, max: 0xffff }).map((words) => ({ words })),
})
const example: Grant = {
  tunnel: toBase32(new Uint8Array(16).fill(4)) as TunnelId,
  leg: 0,
  self: peerIdOf(new Uint8Array(32).fill(5)),
  other: peerIdOf(new Uint8Array(32).fill(6)),
  expiresAt: 1_700_000_000_000,
  paths: 'auto',
  from: addressOf('203.0.113.7', 4000)!,
}

describe('a grant', () => {
  test('says to the fleet what it was sealed with, and has the key the peer was given', () => {
    fc.assert(
      fc.property(grants, fc.constantFrom('handshake' as const, 'relay' as const), (grant, purpose) => {
        const sealed = sealGrant(FLEET, purpose, grant, NONCE)
        expect(sealed).toHaveLength(GRANT_BYTES)
        expect(openGrant([FLEET], purpose, sealed)).toEqual({
          ...grant,
          key: grantKey(FLEET, purpose, grant),
        })
      }),
    )
  })

  test('is of no use for another purpose', () => {
    expect(openGrant([FLEET], 'relay', sealGrant(FLEET, 'handshake', example, NONCE))).toBeUndefined()
    expect(grantKey(FLEET, 'relay', example)).not.toEqual(grantKey(FLEET, 'handshake', example))
  })

  test('has the key of the fleet key that sealed it, whichever is newest', () => {
    const opened = openGrant([NEXT, FLEET], 'relay', sealGrant(FLEET, 'relay', example, NONCE))!
    expect(opened.key).toEqual(grantKey(FLEET, 'relay', example))
  })

  test('has another key for each field that differs', () => {
    const others: Grant[] = [
      { ...example, leg: 1 },
      { ...example, self: example.other },
      { ...example, expiresAt: example.expiresAt + 1 },
    ]
    const keys = [example, ...others].map((grant) => hexOf(grantKey(FLEET, 'relay', grant)))
    expect(new Set(keys).size).toBe(4)
  })

  test('does not open when changed, and never throws', () => {
    const sealed = sealGrant(FLEET, 'relay', example, NONCE)
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = sealed.slice()
        changed[at]! ^= change
        expect(openGrant([FLEET], 'relay', changed)).toBeUndefined()
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(openGrant([FLEET], 'relay', bytes)).toBeUndefined()
      }),
    )
  })
})

describe('the keys of a session with a HANDSHAKE', () => {
  test('differ by direction and by each random', () => {
    const key = grantKey(FLEET, 'handshake', example)
    const [one, two] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)]
    const pairs = [handshakeKeys(key, one, two), handshakeKeys(key, two, one), handshakeKeys(key, one, one)]
    expect(new Set(pairs.flatMap(({ up, down }) => [hexOf(up), hexOf(down)])).size).toBe(6)
    expect(handshakeKeys(key, one, two)).toEqual(pairs[0])
  })
})
