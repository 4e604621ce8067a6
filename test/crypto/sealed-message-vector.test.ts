/** The vector of shared/crypto/README.md, computed from the Noise specification (revision 34) with noble. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { hmac } from '@noble/hashes/hmac.js'
import { expect, test } from 'vitest'
import { identityOf } from '../../shared/crypto/identity.ts'
import { prekeyPair } from '../../shared/crypto/prekey.ts'
import { openMessage, sealMessage } from '../../shared/crypto/sealed-message.ts'
import { encodeSealedBody, messagePrologue } from '../../shared/wire/messages.ts'
import { prekeyNumber } from '../../shared/wire/prekeys.ts'
import { bytesOf, hexOf } from './hex.ts'

const filled = (byte: number) => new Uint8Array(32).fill(byte)
const text = (value: string) => new TextEncoder().encode(value)
const joined = (...parts: readonly Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]))

const EPOCH = 1_790_000_000_000
const NUMBER = '50a61409'
const PLAINTEXT = text('meet me at nine')

/** Noise_K_25519_ChaChaPoly_BLAKE2b, written anew. */
function sealed(): Uint8Array {
  const [alice, bob] = [filled(1), filled(2)]
  const [aliceSecret, prekey, ephemeral] = [ed25519.utils.toMontgomerySecret(alice), filled(5), filled(9)]
  const prologue = joined(
    text('straightway/message/1'),
    ed25519.getPublicKey(alice),
    ed25519.getPublicKey(bob),
    bytesOf('01a0c4506c00'),
    bytesOf('00000003'),
    bytesOf('01a0c4506c00'),
    bytesOf(NUMBER),
  )
  const name = new Uint8Array(64)
  name.set(text('Noise_K_25519_ChaChaPoly_BLAKE2b'))
  let [hash, chain, key]: Uint8Array[] = [name, name, name]
  const mixHash = (data: Uint8Array) => {
    hash = blake2b(joined(hash!, data))
  }
  const mixKey = (secret: Uint8Array, remote: Uint8Array) => {
    const extracted = hmac(blake2b, chain!, x25519.getSharedSecret(secret, remote))
    chain = hmac(blake2b, extracted, Uint8Array.of(1))
    key = hmac(blake2b, extracted, joined(chain, Uint8Array.of(2))).subarray(0, 32)
  }
  const prekeyPublic = x25519.getPublicKey(prekey)
  const ephemeralPublic = x25519.getPublicKey(ephemeral)
  for (const data of [prologue, x25519.getPublicKey(aliceSecret), prekeyPublic, ephemeralPublic])
    mixHash(data)
  mixKey(ephemeral, prekeyPublic)
  mixKey(aliceSecret, prekeyPublic)
  const ciphertext = chacha20poly1305(key!, new Uint8Array(12), hash!).encrypt(PLAINTEXT)
  return joined(bytesOf(NUMBER), ephemeralPublic, ciphertext)
}

const [alice, bob] = [identityOf(filled(1)), identityOf(filled(2))]
const recipient = prekeyPair(filled(5))
const prologue = messagePrologue(
  alice.peer,
  bob.peer,
  { epoch: EPOCH, sequence: 3, sentAt: EPOCH },
  prekeyNumber(recipient.publicKey),
)

test('the body of a message is the one that a second implementation makes, and that the README shows', () => {
  const sealedHere = sealMessage({
    prologue,
    sender: { publicKey: alice.staticPublic, secretKey: alice.staticSecret },
    recipientPublic: recipient.publicKey,
    ephemeralSeed: filled(9),
    plaintext: PLAINTEXT,
  })!
  const body = encodeSealedBody({ key: prekeyNumber(recipient.publicKey), sealed: sealedHere })
  expect(hexOf(body)).toBe(hexOf(sealed()))
  const readme = readFileSync(join(import.meta.dirname, '../../shared/crypto/README.md'), 'utf8')
  expect(readme.replaceAll(/\s/g, '')).toContain(hexOf(body))
})

test('the body that a second implementation makes is opened', () => {
  const opened = openMessage({
    prologue,
    senderPublic: alice.staticPublic,
    recipient,
    sealed: sealed().subarray(4),
  })
  expect(opened).toEqual(PLAINTEXT)
})
