import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { x25519 } from '@noble/curves/ed25519.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { expect, test } from 'vitest'
import * as native from '../../shared/crypto/native.ts'
import { prekeyPair } from '../../shared/crypto/prekey.ts'
import * as pure from '../../shared/crypto/pure.ts'
import { answerKem, canMix, KeyChain, kemPair, openKem, sessionKeys } from '../../shared/crypto/rekey.ts'
import { hexOf } from './hex.ts'

const filled = (byte: number) => new Uint8Array(32).fill(byte)
const text = (value: string) => new TextEncoder().encode(value)
const [first, second] = [filled(1), filled(2)]

function chains(): [KeyChain, KeyChain] {
  return [new KeyChain({ send: first, receive: second }), new KeyChain({ send: second, receive: first })]
}

test('both sides have the same fresh keys, crossed, after each exchange', () => {
  const [one, other] = chains()
  expect([one.begins, other.begins]).toEqual([true, false])
  const seen = new Set<string>()
  for (let n = 1; n <= 3; n++) {
    const [a, b] = [prekeyPair(filled(10 + n)), prekeyPair(filled(20 + n))]
    const [ofOne, ofOther] = [one.next(a, b.publicKey)!, other.next(b, a.publicKey)!]
    expect(ofOne.send).toEqual(ofOther.receive)
    expect(ofOne.receive).toEqual(ofOther.send)
    expect(a.secretKey).toEqual(filled(0))
    seen.add(hexOf(ofOne.send)).add(hexOf(ofOne.receive))
  }
  expect(seen.size).toBe(6)
})

test('the keys are those that a second implementation derives', () => {
  const h = (key: Uint8Array, ...parts: Uint8Array[]) =>
    blake2b(Uint8Array.from(parts.flatMap((part) => [...part])), { dkLen: 32, key })
  const label = text('straightway/rekey/1')
  const [a, b] = [filled(11), filled(21)]
  const [publicA, publicB] = [x25519.getPublicKey(a), x25519.getPublicKey(b)]
  const root = h(first, label, second)
  const secret = h(
    root,
    label,
    Uint8Array.of(0, 0, 0, 1),
    publicA,
    publicB,
    x25519.getSharedSecret(a, publicB),
  )
  const [one] = chains()
  const keys = one.next(prekeyPair(a), publicB)!
  expect(hexOf(keys.send)).toBe(hexOf(h(secret, text('first'))))
  expect(hexOf(keys.receive)).toBe(hexOf(h(secret, text('second'))))
})

test('a key that agrees on nothing changes nothing', () => {
  const [one] = chains()
  expect(one.next(prekeyPair(filled(11)), filled(0))).toBeUndefined()
  expect(one.number).toBe(0)
})

/** The vector of shared/crypto/README.md. */
const HYBRID = {
  key: 'f0ec6a95a1aeff42476ba29d833c2102f25aac3eb0c27bf2536257be86547d37',
  ciphertext: 'a9b6c3bf97ac70e0ac71d0c5d5131b5175449d7271ed37d800e165f467b932d2',
  secret: '2c5b43c32062d09e96d76ad5f55ea12b2acc8ca5680dd1498b90db932ad03688',
  first: '01a4de20c8e9084f24e71b8c6729613742d17857f42b9714ac9d1a2e9ea3aa0e',
  second: '4bb74811917f5d6d9df2e6e2a6924bc10f021f16d50b843983fab06bd65b74f3',
}
const KEM_SEED = new Uint8Array(64).fill(31)
const KEM_MESSAGE = filled(41)

test('a hybrid exchange gives the keys that a second implementation derives', () => {
  const h = (key: Uint8Array, ...parts: Uint8Array[]) =>
    blake2b(Uint8Array.from(parts.flatMap((part) => [...part])), { dkLen: 32, key })
  const label = text('straightway/rekey/1')
  const [a, b] = [filled(11), filled(21)]
  const [publicA, publicB] = [x25519.getPublicKey(a), x25519.getPublicKey(b)]
  const { publicKey, secretKey } = ml_kem768.keygen(KEM_SEED)
  const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, KEM_MESSAGE)
  expect(ml_kem768.decapsulate(cipherText, secretKey)).toEqual(sharedSecret)
  const agreed = x25519.getSharedSecret(a, publicB)
  const transcript = [publicA, publicB, agreed, sharedSecret, publicKey, cipherText]
  const secret = h(h(first, label, second), label, Uint8Array.of(0, 0, 0, 1), ...transcript)
  const digest = (bytes: Uint8Array) => hexOf(blake2b(bytes, { dkLen: 32 }))
  const readme = readFileSync(join(import.meta.dirname, '../../shared/crypto/README.md'), 'utf8')
  expect(readme).toContain(Object.values(HYBRID).join('\n'))
  expect(HYBRID).toEqual({
    key: digest(publicKey),
    ciphertext: digest(cipherText),
    secret: hexOf(sharedSecret),
    first: hexOf(h(secret, text('first'))),
    second: hexOf(h(secret, text('second'))),
  })

  const [one] = chains()
  const pair = kemPair(KEM_SEED.slice())!
  expect(digest(pair.publicKey)).toBe(HYBRID.key)
  const keys = one.next(prekeyPair(a), publicB, openKem(pair, cipherText))!
  expect([hexOf(keys.send), hexOf(keys.receive)]).toEqual([HYBRID.first, HYBRID.second])
})

test('each side has the same keys after a hybrid exchange, and other keys if the ciphertext was changed', () => {
  expect(canMix).toBe(true)
  const answered = (change: number) => {
    const [one, other] = chains()
    const [a, b] = [prekeyPair(filled(11)), prekeyPair(filled(21))]
    const pair = kemPair(KEM_SEED.slice())!
    const answer = answerKem(pair.publicKey, filled(8))!
    const ciphertext = answer.ciphertext.slice()
    ciphertext[100]! ^= change
    const ofOther = other.next(b, a.publicKey, answer)!
    return [one.next(a, b.publicKey, openKem(pair, ciphertext))!.send, ofOther.receive]
  }
  const [same, alike] = answered(0)
  expect(same).toEqual(alike)
  const [changed, other] = answered(1)
  expect(changed).not.toEqual(other)
})

test('the next exchange keeps what a hybrid one has mixed in', () => {
  const after = (hybrid: boolean) => {
    const [one] = chains()
    const { publicKey } = ml_kem768.keygen(KEM_SEED)
    const { cipherText: ciphertext, sharedSecret: secret } = ml_kem768.encapsulate(publicKey, KEM_MESSAGE)
    const kem = hybrid ? { secret, publicKey, ciphertext } : undefined
    one.next(prekeyPair(filled(11)), prekeyPair(filled(21)).publicKey, kem)
    return hexOf(one.next(prekeyPair(filled(12)), prekeyPair(filled(22)).publicKey)!.send)
  }
  expect(after(true)).not.toBe(after(false))
})

test('OpenSSL and noble agree, each as either side, and refuse the same', () => {
  const [one, other] = [native.mlKem!, pure.mlKem!]
  for (const [asks, answers] of [[one, other] as const, [other, one] as const]) {
    const pair = asks.generate(KEM_SEED.slice())
    const { secret, ciphertext } = answers.encapsulate(pair.publicKey, KEM_MESSAGE)
    expect(pair.decapsulate(ciphertext)).toEqual(secret)
    expect([pair.publicKey.length, ciphertext.length, secret.length]).toEqual([1184, 1088, 32])
    const forged = ciphertext.map((byte) => byte ^ 1)
    expect(pair.decapsulate(forged)).toEqual(
      (asks === one ? other : one).generate(KEM_SEED.slice()).decapsulate(forged),
    )
    expect(() => answers.encapsulate(new Uint8Array(1184).fill(0xff), KEM_MESSAGE)).toThrow()
    expect(() => answers.encapsulate(pair.publicKey.subarray(1), KEM_MESSAGE)).toThrow()
  }
  for (const bad of [new Uint8Array(1184).fill(0xff), new Uint8Array(1183), new Uint8Array(0)])
    expect(answerKem(bad, filled(8))).toBeUndefined()
  expect(openKem(kemPair(KEM_SEED.slice())!, new Uint8Array(1087))).toBeUndefined()
})

test('the keys of a session are those that a second implementation derives, crossed', () => {
  const h = (key: Uint8Array, ...parts: Uint8Array[]) =>
    blake2b(Uint8Array.from(parts.flatMap((part) => [...part])), { dkLen: 32, key })
  const [a, b] = [filled(11), filled(21)]
  const [publicA, publicB] = [x25519.getPublicKey(a), x25519.getPublicKey(b)]
  const agreed = x25519.getSharedSecret(a, publicB)
  const secret = h(agreed, text('straightway/session-rekey/1'), Uint8Array.of(0, 0, 0, 3), publicA, publicB)
  const ofPeer = sessionKeys(prekeyPair(a), publicB, 3, true)!
  const ofNode = sessionKeys(prekeyPair(b), publicA, 3, false)!
  expect(hexOf(ofPeer.send)).toBe(hexOf(h(secret, text('first'))))
  expect(hexOf(ofPeer.receive)).toBe(hexOf(h(secret, text('second'))))
  expect([ofNode.receive, ofNode.send]).toEqual([ofPeer.send, ofPeer.receive])
  expect(sessionKeys(prekeyPair(a), filled(0), 3, true)).toBeUndefined()
})
