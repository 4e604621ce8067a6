import { x25519 } from '@noble/curves/ed25519.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { expect, test } from 'vitest'
import { prekeyPair } from '../../shared/crypto/prekey.ts'
import { KeyChain } from '../../shared/crypto/rekey.ts'
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
