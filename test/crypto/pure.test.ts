/** The JavaScript primitives behave like libsodium's: the same bytes, the same refusals. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as native from '../../shared/crypto/native.ts'
import * as pure from '../../shared/crypto/pure.ts'

const both = [native.sodium, pure.sodium] as const
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const some = fc.uint8Array({ maxLength: 200 })

/** Returns what each implementation wrote into new arrays of these lengths. */
function written(
  lengths: readonly number[],
  write: (sodium: typeof native.sodium, out: Uint8Array[]) => unknown,
) {
  return both.map((sodium) => {
    const out = lengths.map((length) => new Uint8Array(length))
    try {
      return { told: write(sodium, out) ?? null, out }
    } catch {
      return 'refused'
    }
  })
}

function same(
  lengths: readonly number[],
  write: (sodium: typeof native.sodium, out: Uint8Array[]) => unknown,
) {
  const [first, second] = written(lengths, write)
  expect(second).toEqual(first)
  return first
}

describe('the primitives agree on', () => {
  test('hashes, keyed and not, of any pieces', () => {
    fc.assert(
      fc.property(
        fc.array(some, { minLength: 1, maxLength: 4 }),
        fc.constantFrom(undefined, 16, 32, 64),
        (inputs, key) => {
          const given = key === undefined ? undefined : new Uint8Array(key).fill(7)
          same([32], (sodium, [out]) => sodium.crypto_generichash_batch(out!, inputs, given))
          same([16], (sodium, [out]) => sodium.crypto_generichash_batch(out!, inputs, given))
        },
      ),
    )
  })

  test('keystreams', () => {
    fc.assert(
      fc.property(bytes(8), bytes(32), (nonce, key) => {
        same([300], (sodium, [out]) => sodium.crypto_stream_chacha20(out!, nonce, key))
      }),
    )
  })

  test('keys, signatures and their conversion', () => {
    fc.assert(
      fc.property(bytes(32), some, (seed, message) => {
        same(
          [32, 64, 64, 32, 32, 32],
          (sodium, [publicKey, secretKey, signature, staticPublic, staticSecret, again]) => {
            sodium.crypto_sign_seed_keypair(publicKey!, secretKey!, seed)
            sodium.crypto_sign_detached(signature!, message, secretKey!)
            sodium.crypto_sign_ed25519_pk_to_curve25519(staticPublic!, publicKey!)
            sodium.crypto_sign_ed25519_sk_to_curve25519(staticSecret!, secretKey!)
            sodium.crypto_scalarmult_base(again!, staticSecret!)
            return sodium.crypto_sign_verify_detached(signature!, message, publicKey!)
          },
        )
      }),
      { numRuns: 25 },
    )
  })

  test('which bytes are a key to agree with', () => {
    const weak = [new Uint8Array(32), Uint8Array.of(1, ...new Uint8Array(31)), new Uint8Array(32).fill(255)]
    for (const key of weak)
      same([32], (sodium, [out]) => sodium.crypto_sign_ed25519_pk_to_curve25519(out!, key))
    fc.assert(
      fc.property(bytes(32), (key) => {
        same([32], (sodium, [out]) => sodium.crypto_sign_ed25519_pk_to_curve25519(out!, key))
      }),
      { numRuns: 50 },
    )
  })

  test('that a changed signature is none', () => {
    fc.assert(
      fc.property(bytes(32), some, fc.nat(511), (seed, message, bit) => {
        same([32, 64, 64], (sodium, [publicKey, secretKey, signature]) => {
          sodium.crypto_sign_seed_keypair(publicKey!, secretKey!, seed)
          sodium.crypto_sign_detached(signature!, message, secretKey!)
          signature![bit >> 3]! ^= 1 << (bit & 7)
          return sodium.crypto_sign_verify_detached(signature!, message, publicKey!)
        })
      }),
      { numRuns: 25 },
    )
  })

  test('sealed text in place, with and without additional data, and on what does not open', () => {
    fc.assert(
      fc.property(
        some,
        fc.option(some),
        bytes(12),
        bytes(32),
        fc.nat(15),
        (text, additional, nonce, key, flipped) => {
          same([text.length, 16], (sodium, [sealed, tag]) => {
            sealed!.set(text)
            const seal = sodium.crypto_aead_chacha20poly1305_ietf_encrypt_detached
            return seal(sealed!, tag!, sealed!, additional, null, nonce, key)
          })
          const [result] = written([text.length, 16], (sodium, [sealed, tag]) => {
            sodium.crypto_aead_chacha20poly1305_ietf_encrypt_detached(
              sealed!,
              tag!,
              text,
              additional,
              null,
              nonce,
              key,
            )
          })
          const [sealed, tag] = (result as { out: Uint8Array[] }).out as [Uint8Array, Uint8Array]
          const open = (given: Uint8Array) =>
            same([text.length], (sodium, [out]) => {
              out!.set(sealed)
              sodium.crypto_aead_chacha20poly1305_ietf_decrypt_detached(
                out!,
                null,
                out!,
                given,
                additional,
                nonce,
                key,
              )
            })
          expect(open(tag)).toEqual({ told: null, out: [text] })
          expect(open(tag.map((byte, i) => (i === flipped ? byte ^ 1 : byte)))).toBe('refused')
        },
      ),
      { numRuns: 50 },
    )
  })

  test('boxes', () => {
    fc.assert(
      fc.property(some, fc.option(some), bytes(24), bytes(32), (text, additional, nonce, key) => {
        const result = same([text.length + 16], (sodium, [out]) =>
          sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(out!, text, additional, null, nonce, key),
        )
        const [sealed] = (result as { out: Uint8Array[] }).out as [Uint8Array]
        same([text.length], (sodium, [out]) =>
          sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(out!, null, sealed, additional, nonce, key),
        )
      }),
      { numRuns: 50 },
    )
  })

  test('what equals what', () => {
    same([], (sodium) => sodium.sodium_memcmp(Uint8Array.of(1, 2), Uint8Array.of(1, 2)))
    same([], (sodium) => sodium.sodium_memcmp(Uint8Array.of(1, 2), Uint8Array.of(1, 3)))
    same([], (sodium) => sodium.sodium_memcmp(Uint8Array.of(1), Uint8Array.of(1, 3)))
  })
})

const keyPair = (fill: number) => {
  const [publicKey, secretKey] = [new Uint8Array(32), new Uint8Array(32).fill(fill)]
  native.sodium.crypto_scalarmult_base(publicKey, secretKey)
  return { publicKey, secretKey }
}

describe.each([
  ['native', native, 'pure', pure],
  ['pure', pure, 'native', native],
  ['pure', pure, 'pure', pure],
] as const)('a handshake from %s', (_, first, other, second) => {
  const prologue = Uint8Array.of(1, 2, 3)
  const [a, b] = [keyPair(5), keyPair(6)]

  function begun() {
    const [initiator, responder] = [
      new first.NoiseState('IK', true, a),
      new second.NoiseState('IK', false, b),
    ]
    initiator.initialise(prologue, b.publicKey)
    responder.initialise(prologue)
    initiator.e = keyPair(7)
    responder.e = keyPair(8)
    return { initiator, responder, message: new Uint8Array(initiator.send(Uint8Array.of(9, 9))) }
  }

  test(`to ${other} agrees on keys, identity and hash`, () => {
    const { initiator, responder, message } = begun()
    expect(new Uint8Array(responder.recv(message))).toEqual(Uint8Array.of(9, 9))
    expect(new Uint8Array(responder.rs!)).toEqual(a.publicKey)
    const answer = new Uint8Array(responder.send(Uint8Array.of(4)))
    expect(new Uint8Array(initiator.recv(answer))).toEqual(Uint8Array.of(4))
    expect(new Uint8Array(initiator.tx!)).toEqual(new Uint8Array(responder.rx!))
    expect(new Uint8Array(initiator.rx!)).toEqual(new Uint8Array(responder.tx!))
    expect(new Uint8Array(initiator.hash!)).toEqual(new Uint8Array(responder.hash!))
  })

  test(`that was changed on the way is refused by ${other}`, () => {
    const { length } = begun().message
    for (let at = 0; at < length; at += 7) {
      const { responder, message } = begun()
      message[at]! ^= 1
      expect(() => responder.recv(message)).toThrow()
    }
    for (const cut of [0, 31, 32, 79, length - 1]) {
      const { responder, message } = begun()
      expect(() => responder.recv(message.subarray(0, cut))).toThrow()
    }
  })

  test(`with an ephemeral key of small order is refused by ${other}`, () => {
    const { responder, message } = begun()
    message.fill(0, 0, 32)
    expect(() => responder.recv(message)).toThrow()
  })
})
