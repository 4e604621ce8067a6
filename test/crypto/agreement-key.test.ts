import { describe, expect, test } from 'vitest'
import { MessageSeals } from '../../shared/core/peer/message-seals.ts'
import { isAgreementKey } from '../../shared/crypto/agreement-key.ts'
import { identityOf } from '../../shared/crypto/identity.ts'
import * as native from '../../shared/crypto/native.ts'
import { initiate, respond } from '../../shared/crypto/noise.ts'
import { prekeyPair, readPrekey, signPrekey } from '../../shared/crypto/prekey.ts'
import * as pure from '../../shared/crypto/pure.ts'
import { Random } from '../../shared/crypto/random.ts'
import { openMessage, sealMessage } from '../../shared/crypto/sealed-message.ts'
import { hexOf } from './hex.ts'
import { NOT_CANONICAL_KEYS, SMALL_ORDER_KEYS } from './small-order.ts'

const NOW = 1_790_000_000_000
const filled = (byte: number) => new Uint8Array(32).fill(byte)
const [alice, bob] = [identityOf(filled(1)), identityOf(filled(2))]
const keysOf = ({ staticPublic, staticSecret }: typeof alice) => ({
  publicKey: staticPublic,
  secretKey: staticSecret,
})
const prologue = filled(9)
const bad = SMALL_ORDER_KEYS.map((key) => [hexOf(key), key] as const)

/** A message that begins with another ephemeral key. */
function startingWith(key: Uint8Array, message: Uint8Array): Uint8Array {
  const changed = message.slice()
  changed.set(key)
  return changed
}

const request = initiate({
  prologue,
  self: keysOf(alice),
  remotePublic: bob.staticPublic,
  ephemeralSeed: filled(3),
  payload: filled(4),
})!

test('keys of honest peers can be agreed with', () => {
  const random = new Random(filled(7))
  for (let i = 0; i < 200; i++) expect(isAgreementKey(prekeyPair(random.bytes(32)).publicKey)).toBe(true)
  for (const { staticPublic } of [alice, bob]) expect(isAgreementKey(staticPublic)).toBe(true)
})

test('there are fourteen encodings of points of small order', () => {
  expect(new Set(bad.map(([hex]) => hex)).size).toBe(14)
})

describe.each(bad)('a point of small order, %s,', (_, key) => {
  test.each([
    ['libsodium', native],
    ['noble', pure],
  ])('agrees on nothing with %s', (_name, { noiseSymmetric }) => {
    const state = noiseSymmetric('Noise_K_25519_ChaChaPoly_BLAKE2b')
    expect(() => state.mixKey(key, prekeyPair(filled(5)))).toThrow()
  })

  test('is no prekey, although its owner signed it', () => {
    expect(isAgreementKey(key)).toBe(false)
    expect(readPrekey(bob.peer, signPrekey(bob, key, NOW))).toBeUndefined()
  })

  test('does not stop its publisher from being written to', () => {
    const seals = new MessageSeals(alice, new Random(filled(6)), [])
    const message = { peer: bob.peer, epoch: NOW, sequence: 1, sentAt: NOW, body: filled(8) }
    seals.seal(message, 0, NOW)
    seals.others.send(0, () => true)
    seals.others.take({ peer: bob.peer, prekey: signPrekey(bob, key, NOW) }, 0, NOW)
    expect(seals.seal(message, 0, NOW)?.key).toBe(0)
  })

  test('is refused in both messages of a handshake', () => {
    const self = keysOf(bob)
    const answered = respond({ prologue, self }, request.message)!.answer(filled(4), filled(5))
    expect(respond({ prologue, self }, startingWith(key, request.message))).toBeUndefined()
    expect(request.complete(startingWith(key, answered.message))).toBeUndefined()
    expect(request.complete(answered.message)).toBeDefined()
    expect(
      initiate({
        prologue,
        self: keysOf(alice),
        remotePublic: key,
        ephemeralSeed: filled(3),
        payload: prologue,
      }),
    ).toBeUndefined()
  })

  test('is refused in a sealed message, as its key, and as the key to seal for', () => {
    const options = { prologue, sender: keysOf(alice), ephemeralSeed: filled(3), plaintext: filled(4) }
    expect(sealMessage({ ...options, recipientPublic: key })).toBeUndefined()
    const sealed = sealMessage({ ...options, recipientPublic: bob.staticPublic })!
    const opened = { prologue, senderPublic: alice.staticPublic, recipient: keysOf(bob) }
    expect(openMessage({ ...opened, sealed: startingWith(key, sealed) })).toBeUndefined()
    expect(openMessage({ ...opened, senderPublic: key, sealed })).toBeUndefined()
  })
})

test('an encoding that is not canonical is no prekey', () => {
  for (const key of NOT_CANONICAL_KEYS) {
    expect(isAgreementKey(key)).toBe(false)
    expect(readPrekey(bob.peer, signPrekey(bob, key, NOW))).toBeUndefined()
  }
  for (const length of [0, 31, 33]) expect(isAgreementKey(new Uint8Array(length).fill(9))).toBe(false)
})
