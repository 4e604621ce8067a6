import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Identity, identityOf } from '../../shared/crypto/identity.ts'
import type { StaticKeys } from '../../shared/crypto/noise.ts'
import { openMessage, SEALED_MESSAGE_OVERHEAD, sealMessage } from '../../shared/crypto/sealed-message.ts'
import { bytesOf, hexOf } from './hex.ts'
import { NOISE_K } from './vectors/noise-k.ts'

const keysOf = ({ staticPublic, staticSecret }: Identity) => ({
  publicKey: staticPublic,
  secretKey: staticSecret,
})
const anna = keysOf(identityOf(new Uint8Array(32).fill(1)))
const bert = keysOf(identityOf(new Uint8Array(32).fill(2)))
const cleo = keysOf(identityOf(new Uint8Array(32).fill(3)))
const prologue = Uint8Array.of(1, 2, 3)
const ephemeralSeed = new Uint8Array(32).fill(9)
const plaintext = new TextEncoder().encode('meet me at nine')
const sealed = sealMessage({
  prologue,
  sender: anna,
  recipientPublic: bert.publicKey,
  ephemeralSeed,
  plaintext,
})!

const opened = (changes: Partial<Parameters<typeof openMessage>[0]> = {}) =>
  openMessage({ prologue, senderPublic: anna.publicKey, recipient: bert, sealed, ...changes })

describe('a sealed message', () => {
  test('is opened by its recipient, and is 48 bytes longer', () => {
    expect(opened()).toEqual(plaintext)
    expect(sealed).toHaveLength(plaintext.length + SEALED_MESSAGE_OVERHEAD)
    expect(SEALED_MESSAGE_OVERHEAD).toBe(48)
  })

  test('means nothing to anybody else, from anybody else, or under another prologue', () => {
    expect(opened({ recipient: cleo })).toBeUndefined()
    expect(opened({ senderPublic: cleo.publicKey })).toBeUndefined()
    expect(opened({ prologue: Uint8Array.of(1, 2, 4) })).toBeUndefined()
  })

  test('is not opened with any of its bits changed, or cut short', () => {
    fc.assert(
      fc.property(fc.nat(sealed.length * 8 - 1), (bit) => {
        const changed = sealed.slice()
        changed[bit >> 3]! ^= 1 << (bit & 7)
        // The key agreement ignores the last bit of an X25519 key, but the hash does not.
        expect(opened({ sealed: changed })).toBeUndefined()
      }),
    )
    for (let length = 0; length < sealed.length; length++)
      expect(opened({ sealed: sealed.subarray(0, length) })).toBeUndefined()
  })

  test('changes none of the bytes that it is given', () => {
    const copy = sealed.slice()
    opened({ sealed: copy })
    opened({ sealed: copy, recipient: cleo })
    expect(copy).toEqual(sealed)
  })

  test('cannot be made for what is no key to agree with', () => {
    for (const weak of [new Uint8Array(32), Uint8Array.of(1, ...new Uint8Array(31))])
      expect(
        sealMessage({ prologue, sender: anna, recipientPublic: weak, ephemeralSeed, plaintext }),
      ).toBeUndefined()
    expect(opened({ sealed: new Uint8Array(100) })).toBeUndefined()
  })

  test('is the one of the published vector', () => {
    const [initiator, responder] = (['initiator', 'responder'] as const).map((who) => ({
      publicKey: bytesOf(NOISE_K[`${who}Public`]),
      secretKey: bytesOf(NOISE_K[`${who}Static`]),
    })) as [StaticKeys, StaticKeys]
    const given = { prologue: bytesOf(NOISE_K.prologue), plaintext: bytesOf(NOISE_K.payload) }
    const message = sealMessage({
      ...given,
      sender: initiator,
      recipientPublic: responder.publicKey,
      ephemeralSeed: bytesOf(NOISE_K.initiatorEphemeral),
    })!
    expect(hexOf(message)).toBe(NOISE_K.message)
    const { prologue } = given
    const opened = openMessage({
      prologue,
      senderPublic: initiator.publicKey,
      recipient: responder,
      sealed: message,
    })
    expect(opened).toEqual(given.plaintext)
  })
})
