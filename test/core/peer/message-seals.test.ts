import { describe, expect, test } from 'vitest'
import { MessageSeals, type NumberedMessage } from '../../../shared/core/peer/message-seals.ts'
import { identityOf } from '../../../shared/crypto/identity.ts'
import { Random } from '../../../shared/crypto/random.ts'
import { peerIdOf } from '../../../shared/ids.ts'
import { SEALED_BODY_OVERHEAD } from '../../../shared/wire/messages.ts'
import { prekeyNumber } from '../../../shared/wire/prekeys.ts'

const NOW = 1_790_000_000_000
const seed = (byte: number) => new Uint8Array(32).fill(byte)
const [alice, bob, mallory] = [identityOf(seed(1)), identityOf(seed(2)), identityOf(seed(3))]
const [ofAlice, ofBob, ofMallory] = [alice, bob, mallory].map(
  (identity, i) => new MessageSeals(identity, new Random(seed(10 + i)), []),
) as [MessageSeals, MessageSeals, MessageSeals]

const body = new TextEncoder().encode('the key is under the mat')
const MESSAGE: NumberedMessage = { peer: bob.peer, epoch: NOW, sequence: 3, sentAt: NOW + 500, body }

for (const each of [ofBob, ofMallory]) {
  each.own.tick(NOW)
  each.own.stored(NOW)
}
ofAlice.seal(MESSAGE, 0, NOW)
ofAlice.others.send(0, () => true)
ofAlice.others.take({ peer: bob.peer, prekey: ofBob.own.published! }, 0, NOW)

const seal = (message: NumberedMessage) => ofAlice.seal(message, 0, NOW)!.body

/** A message as the recipient's node delivers it. */
const handed = (changes: Partial<NumberedMessage> = {}): NumberedMessage => ({
  ...MESSAGE,
  peer: alice.peer,
  body: seal(MESSAGE),
  ...changes,
})
const opened = (seals: MessageSeals, message: NumberedMessage) => seals.open(message).body

describe('the body of a message', () => {
  test('is read by its recipient, and costs 52 bytes', () => {
    expect(opened(ofBob, handed())).toEqual(body)
    expect(handed().body).toHaveLength(body.length + SEALED_BODY_OVERHEAD)
    expect(SEALED_BODY_OVERHEAD).toBeLessThanOrEqual(64)
  })

  test('is sealed for the prekey of its recipient, which the identity key does not open', () => {
    const { key } = ofAlice.seal(MESSAGE, 0, NOW)!
    expect(key).toBe(prekeyNumber(ofBob.own.published!))
    const thief = new MessageSeals(bob, new Random(seed(99)), [])
    expect(thief.open(handed())).toEqual({ body: undefined, key })
  })

  test('is other bytes each time, and says nothing', () => {
    const [one, other] = [handed().body, handed().body]
    expect(one).not.toEqual(other)
    expect(Buffer.from(one).includes(Buffer.from(body))).toBe(false)
  })

  test('of no bytes, and of the most bytes, comes whole', () => {
    for (const length of [0, 1, 1024]) {
      const plain = new Uint8Array(length).fill(7)
      expect(opened(ofBob, handed({ body: seal({ ...MESSAGE, body: plain }) }))).toEqual(plain)
    }
  })

  test('cannot be shown again as another message, at another time, or by another peer', () => {
    expect(opened(ofBob, handed({ sequence: 4 }))).toBeUndefined()
    expect(opened(ofBob, handed({ epoch: MESSAGE.epoch + 1 }))).toBeUndefined()
    expect(opened(ofBob, handed({ sentAt: MESSAGE.sentAt + 1 }))).toBeUndefined()
    expect(opened(ofBob, handed({ peer: mallory.peer }))).toBeUndefined()
  })

  test('is nothing to another peer, nor back to its sender', () => {
    expect(opened(ofMallory, handed())).toBeUndefined()
    expect(opened(ofAlice, handed({ peer: bob.peer }))).toBeUndefined()
  })

  test('for a key that we do not have, cut short or empty, is not opened', () => {
    const sealed = handed().body
    const otherKey = sealed.slice()
    otherKey[3]! ^= 1
    for (const bad of [otherKey, sealed.slice(0, -1), sealed.slice(0, 3), new Uint8Array(0)])
      expect(opened(ofBob, handed({ body: bad }))).toBeUndefined()
  })
})

test('nothing can be sealed for an id that is no key', () => {
  expect(ofAlice.canSealFor(bob.peer)).toBe(true)
  expect(ofAlice.canSealFor(peerIdOf(seed(0)))).toBe(false)
  expect(opened(ofBob, handed({ peer: peerIdOf(seed(0)) }))).toBeUndefined()
})
