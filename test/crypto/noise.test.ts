import { createPrivateKey, createPublicKey } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Channel } from '../../shared/crypto/channel.ts'
import { identityOf } from '../../shared/crypto/identity.ts'
import {
  initiate,
  MESSAGE_1_OVERHEAD,
  MESSAGE_2_OVERHEAD,
  respond,
  type StaticKeys,
} from '../../shared/crypto/noise.ts'
import { Random } from '../../shared/crypto/random.ts'
import { bytesOf, hexOf } from './hex.ts'
import { NOISE_IK } from './vectors/noise-ik.ts'

const random = new Random(new Uint8Array(32).fill(7))
const prologue = Buffer.from('straightway/test')
const payload = Buffer.from('an offer')

describe('Noise IK', () => {
  test('makes the messages, keys and hash of the published vector', () => {
    const initiator = fromVector(NOISE_IK.initiatorStatic)
    const responder = fromVector(NOISE_IK.responderStatic)
    expect(hexOf(responder.publicKey)).toBe(NOISE_IK.responderPublic)

    const [first, second] = NOISE_IK.messages
    const initiation = initiate({
      prologue: bytesOf(NOISE_IK.prologue),
      self: initiator,
      remotePublic: bytesOf(NOISE_IK.responderPublic),
      ephemeralSeed: bytesOf(NOISE_IK.initiatorEphemeral),
      payload: bytesOf(first.payload),
    })!
    expect(hexOf(initiation.message)).toBe(first.bytes)

    const request = respond({ prologue: bytesOf(NOISE_IK.prologue), self: responder }, bytesOf(first.bytes))!
    expect(hexOf(request.payload)).toBe(first.payload)
    expect(request.remotePublic).toEqual(initiator.publicKey)
    const answered = request.answer(bytesOf(second.payload), bytesOf(NOISE_IK.responderEphemeral))
    expect(hexOf(answered.message)).toBe(second.bytes)

    const completed = initiation.complete(bytesOf(second.bytes))!
    expect(hexOf(completed.payload)).toBe(second.payload)
    expect([hexOf(completed.hash), hexOf(answered.hash)]).toEqual([NOISE_IK.hash, NOISE_IK.hash])

    const sides = [new Channel(completed.keys), new Channel(answered.keys)]
    for (const [i, { payload, bytes }] of NOISE_IK.transport.entries()) {
      const slot = new Uint8Array(100)
      slot.set(bytesOf(payload))
      const counter = sides[i % 2]!.nextCounter(0)
      const length = sides[i % 2]!.seal(counter, slot, 0, 0, payload.length / 2)
      expect(hexOf(slot.subarray(0, length))).toBe(bytes)
      expect(sides[(i + 1) % 2]!.open(counter, slot, 0, 0, length)).toBe(payload.length / 2)
      expect(hexOf(slot.subarray(0, payload.length / 2))).toBe(payload)
    }
  })

  test('is as long as its payloads and the overheads say', () => {
    const { initiation, answered } = agreed()
    expect(initiation.message).toHaveLength(payload.length + MESSAGE_1_OVERHEAD)
    expect(answered.message).toHaveLength(payload.length + MESSAGE_2_OVERHEAD)
  })

  test('takes nothing for an answer but the answer, and the answer still after any number of others', () => {
    const { initiation, answered } = agreed()
    fc.assert(
      fc.property(mutation(answered.message), (bytes) => {
        expect(initiation.complete(bytes)).toBeUndefined()
      }),
      { numRuns: 50 },
    )
    expect(initiation.complete(answered.message)!.keys.send).toEqual(answered.keys.receive)
    expect(initiation.complete(answered.message)!.keys.receive).toEqual(answered.keys.send)
  })

  test('takes nothing for a first message but a first message to this key under this prologue', () => {
    const { initiation, responder } = agreed()
    const self = keysOf(responder)
    fc.assert(
      fc.property(mutation(initiation.message), (bytes) => {
        expect(respond({ prologue, self }, bytes)).toBeUndefined()
      }),
      { numRuns: 50 },
    )
    expect(respond({ prologue: Buffer.from('other'), self }, initiation.message)).toBeUndefined()
    const other = keysOf(identityOf(random.bytes(32)))
    expect(respond({ prologue, self: other }, initiation.message)).toBeUndefined()
    expect(respond({ prologue, self }, initiation.message)).toBeDefined()
  })

  test('leaves the bytes it was given as they were', () => {
    const { initiation, responder, answered } = agreed()
    const before = [initiation.message.slice(), answered.message.slice()]
    respond({ prologue, self: keysOf(responder) }, initiation.message)
    initiation.complete(answered.message)
    expect([initiation.message, answered.message].map(hexOf)).toEqual(before.map(hexOf))
  })

  test('does not begin with a key that agrees on nothing', () => {
    const self = keysOf(identityOf(random.bytes(32)))
    const remotePublic = new Uint8Array(32)
    expect(
      initiate({ prologue, self, remotePublic, ephemeralSeed: random.bytes(32), payload }),
    ).toBeUndefined()
  })

  test('never throws on bytes of any kind', () => {
    const self = keysOf(identityOf(random.bytes(32)))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(respond({ prologue, self }, bytes)).toBeUndefined()
      }),
    )
  })
})

function agreed() {
  const [offerer, responder] = [identityOf(random.bytes(32)), identityOf(random.bytes(32))]
  const initiation = initiate({
    prologue,
    self: keysOf(offerer),
    remotePublic: responder.staticPublic,
    ephemeralSeed: random.bytes(32),
    payload,
  })!
  const request = respond({ prologue, self: keysOf(responder) }, initiation.message)!
  return { initiation, responder, answered: request.answer(payload, random.bytes(32)) }
}

function keysOf(identity: { staticPublic: Uint8Array; staticSecret: Uint8Array }): StaticKeys {
  return { publicKey: identity.staticPublic, secretKey: identity.staticSecret }
}

/** Computes X25519 public keys with another implementation than the one under test. */
function fromVector(secret: string): StaticKeys {
  const pkcs8 = Buffer.concat([bytesOf('302e020100300506032b656e04220420'), bytesOf(secret)])
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return { publicKey: new Uint8Array(spki.subarray(-32)), secretKey: bytesOf(secret) }
}

/** Flips one bit, cuts off a part, or appends bytes. */
function mutation(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const flipped = fc.nat(bytes.length * 8 - 1).map((bit) => {
    const changed = bytes.slice()
    changed[bit >>> 3]! ^= 1 << (bit & 7)
    return changed
  })
  const cut = fc.nat(bytes.length - 1).map((length) => bytes.slice(0, length))
  const longer = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((more) => Buffer.concat([bytes, more]))
  return fc.oneof(flipped, cut, longer)
}
