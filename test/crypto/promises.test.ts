/** The rows of the table of promises in shared/crypto/README.md that a test can show: what a thief reads, and what it does not. */
import { describe, expect, test } from 'vitest'
import { type Identity, identityOf } from '../../shared/crypto/identity.ts'
import { KeyEpochs } from '../../shared/crypto/key-epochs.ts'
import { noiseSymmetric } from '../../shared/crypto/native.ts'
import { initiate, respond, type StaticKeys } from '../../shared/crypto/noise.ts'
import { eraseKey, prekeyPair } from '../../shared/crypto/prekey.ts'
import { answerKem, KeyChain, kemPair, openKem, sessionKeys } from '../../shared/crypto/rekey.ts'
import { openMessage, sealMessage } from '../../shared/crypto/sealed-message.ts'

const filled = (byte: number) => new Uint8Array(32).fill(byte)
const text = (value: string) => new TextEncoder().encode(value)
const keysOf = ({ staticPublic, staticSecret }: Identity): StaticKeys => ({
  publicKey: staticPublic,
  secretKey: staticSecret,
})
const [alice, bob] = [identityOf(filled(1)), identityOf(filled(2))]
const prologue = text('straightway/tunnel/1')

describe('a stolen identity key', () => {
  const offer = initiate({
    prologue,
    self: keysOf(alice),
    remotePublic: bob.staticPublic,
    ephemeralSeed: filled(3),
    payload: text('the intent'),
  })!
  const answered = respond({ prologue, self: keysOf(bob) }, offer.message)!.answer(
    text('the reason'),
    filled(4),
  )

  test('of the recipient opens the intents of offers to it, also past ones', () => {
    expect(respond({ prologue, self: keysOf(bob) }, offer.message)?.payload).toEqual(text('the intent'))
  })

  test('of the sender opens no intent of an offer that it has made', () => {
    expect(respond({ prologue, self: keysOf(alice) }, offer.message)).toBeUndefined()
  })

  test('of both opens neither the reason of a refusal nor a past tunnel', () => {
    const thief = initiate({
      prologue,
      self: keysOf(alice),
      remotePublic: bob.staticPublic,
      ephemeralSeed: filled(5),
      payload: text('the intent'),
    })!
    expect(thief.complete(answered.message)).toBeUndefined()
    const again = respond({ prologue, self: keysOf(bob) }, offer.message)!.answer(
      text('the reason'),
      filled(6),
    )
    expect(again.keys.send).not.toEqual(answered.keys.send)
    expect(offer.complete(answered.message)!.keys.receive).toEqual(answered.keys.send)
  })

  test('opens no message that was sealed for a prekey', () => {
    const prekey = prekeyPair(filled(7))
    const sealed = seal(prekey.publicKey)
    expect(open(keysOf(bob), sealed)).toBeUndefined()
    expect(open({ publicKey: prekey.publicKey, secretKey: bob.staticSecret }, sealed)).toBeUndefined()
  })

  test('of the recipient lets the thief write to it in the name of others', () => {
    expect(open(keysOf(bob), forgedWith(keysOf(bob)))).toEqual(text('transfer it all'))
  })

  test('of another peer does not', () => {
    expect(open(keysOf(bob), forgedWith(keysOf(identityOf(filled(9)))))).toBeUndefined()
  })
})

describe('a stolen prekey', () => {
  test('opens what was sealed for it, and nothing sealed for another', () => {
    const [one, other] = [prekeyPair(filled(7)), prekeyPair(filled(8))]
    expect(open(one, seal(one.publicKey))).toEqual(text('meet me'))
    expect(open(one, seal(other.publicKey))).toBeUndefined()
  })

  test('that was erased before the theft opens nothing', () => {
    const prekey = prekeyPair(filled(7))
    const sealed = seal(prekey.publicKey)
    eraseKey(prekey)
    expect(open(prekey, sealed)).toBeUndefined()
  })
})

describe('the stolen key of a session', () => {
  test('gives the keys of later epochs, and of no earlier one', () => {
    const epochs = new KeyEpochs(filled(1))
    const keys = [0, 1, 2, 3].map((epoch) => epochs.at(epoch)!.key.slice())
    const thief = new KeyEpochs(keys[1]!)
    const known = [0, 1, 2, 3, 4, 5].map((epoch) => thief.at(epoch)!.key)
    expect(known.slice(0, 3)).toEqual(keys.slice(1))
    for (const key of known) expect(key).not.toEqual(keys[0])
  })

  test('opens nothing after the next exchange', () => {
    const [peer, node] = [prekeyPair(filled(11)), prekeyPair(filled(12))]
    const [ofPeer, ofNode] = [peer.publicKey, node.publicKey]
    const renewed = sessionKeys(peer, ofNode, 1, true)!
    const thief = sessionKeys(prekeyPair(filled(99)), ofPeer, 1, false)!
    expect(thief.receive).not.toEqual(renewed.send)
    expect(sessionKeys(node, ofPeer, 1, false)!.receive).toEqual(renewed.send)
    expect(peer.secretKey).toEqual(filled(0))
  })
})

describe('the stolen keys of a tunnel', () => {
  const stolen = { send: filled(1), receive: filled(2) }
  const other = { send: filled(2), receive: filled(1) }

  test('open nothing after the next exchange', () => {
    const [one, thief] = [new KeyChain(stolen), new KeyChain(other)]
    const answer = prekeyPair(filled(12)).publicKey
    const question = prekeyPair(filled(11))
    const { publicKey } = question
    expect(thief.next(prekeyPair(filled(99)), publicKey)!.receive).not.toEqual(
      one.next(question, answer)!.send,
    )
  })

  test('and all secrets of X25519 open nothing of a hybrid tunnel, nor does its ML-KEM secret alone', () => {
    const kem = kemPair(new Uint8Array(64).fill(31))!
    const answer = answerKem(kem.publicKey, filled(41))!
    const mixed = () => ({ ...openKem(kem, answer.ciphertext)! })
    const keysAfter = (secret: number, hybrid: ReturnType<typeof mixed> | undefined) =>
      new KeyChain(stolen).next(prekeyPair(filled(secret)), prekeyPair(filled(21)).publicKey, hybrid)!.send
    const keys = keysAfter(11, mixed())
    expect(keysAfter(11, mixed())).toEqual(keys)
    expect(keysAfter(11, { ...mixed(), secret: filled(0) })).not.toEqual(keys)
    expect(keysAfter(11, undefined)).not.toEqual(keys)
    expect(keysAfter(12, mixed())).not.toEqual(keys)
  })
})

const seal = (recipientPublic: Uint8Array): Uint8Array =>
  sealMessage({
    prologue,
    sender: keysOf(alice),
    recipientPublic,
    ephemeralSeed: filled(13),
    plaintext: text('meet me'),
  })!

const open = (recipient: StaticKeys, sealed: Uint8Array) =>
  openMessage({ prologue, senderPublic: alice.staticPublic, recipient, sealed })

/** A message to Bob in the name of Alice, by somebody who has these keys and not Alice's: key compromise impersonation. */
function forgedWith(stolen: StaticKeys): Uint8Array {
  const ephemeral = prekeyPair(filled(14))
  const state = noiseSymmetric('Noise_K_25519_ChaChaPoly_BLAKE2b')
  for (const data of [prologue, alice.staticPublic, bob.staticPublic, ephemeral.publicKey])
    state.mixHash(data)
  state.mixKey(bob.staticPublic, ephemeral)
  state.mixKey(alice.staticPublic, stolen)
  return Uint8Array.of(...ephemeral.publicKey, ...state.encryptAndHash(text('transfer it all')))
}
