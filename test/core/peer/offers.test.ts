import { expect, test } from 'vitest'
import type { PeerEffect } from '../../../shared/core/peer/events.ts'
import { Offers } from '../../../shared/core/peer/offers.ts'
import { identityOf } from '../../../shared/crypto/identity.ts'
import { Random } from '../../../shared/crypto/random.ts'
import type { Answer, Direction, Offer, TunnelTerms } from '../../../shared/wire/offers.ts'

const seed = (byte: number) => new Uint8Array(32).fill(byte)
const [alice, bob, mallory] = [1, 2, 3].map((byte) => identityOf(seed(byte)))
const direction: Direction = { handshake: [], key: seed(9), grant: seed(8) }
const terms: TunnelTerms = { clear: false, paths: 'auto' }
const NOW = 1_000_000

function pair() {
  const ours = new Offers(alice!, new Random(seed(4)))
  const theirs = new Offers(bob!, new Random(seed(5)))
  return { ours, theirs }
}

function offered(ours: Offers, wanted = terms): Offer {
  ours.offer({ id: 7, to: bob!.peer, intent: 'play', terms: wanted, sentAt: NOW })
  const offers: Offer[] = []
  ours.send(NOW, (offer) => offers.push(offer) > 0)
  return { ...offers[0]!, peer: alice!.peer, direction }
}

const asHeard = (answer: Answer): Answer => ({ ...answer, peer: bob!.peer, direction })

const agreementOf = (effect: PeerEffect | undefined) =>
  effect?.kind === 'agreed' ? effect.agreement : undefined

test('an accepted offer gives both sides the same keys, crossed', () => {
  const { ours, theirs } = pair()
  const offer = offered(ours)
  expect(theirs.takeOffer(offer, NOW)).toMatchObject({
    kind: 'offer',
    from: alice!.peer,
    intent: 'play',
    terms,
  })
  const accepted = theirs.accept(offer.tunnel, terms)!
  const agreed = agreementOf(ours.takeAnswer(asHeard(accepted.answer)))!
  expect(agreed).toMatchObject({ id: 7, leg: 0, peer: bob!.peer })
  expect(agreed.keys.send).toEqual(accepted.agreement!.keys.receive)
  expect(agreed.keys.receive).toEqual(accepted.agreement!.keys.send)
})

test('a refusal carries its reason, which only the offering peer can read', () => {
  const { ours, theirs } = pair()
  const offer = offered(ours)
  theirs.takeOffer(offer, NOW)
  const answer = theirs.refuse(offer.tunnel, 'busy playing')!
  expect(Buffer.from(answer.noise).includes('busy')).toBe(false)
  expect(ours.takeAnswer(asHeard(answer))).toEqual({
    kind: 'refused',
    id: 7,
    outcome: 'refused',
    reason: 'busy playing',
  })
})

test('a repeat is shown once and answered the same', () => {
  const { ours, theirs } = pair()
  const offer = offered(ours)
  theirs.takeOffer(offer, NOW)
  expect(theirs.takeOffer(offer, NOW + 500)).toBeUndefined()
  const { answer } = theirs.accept(offer.tunnel, terms)!
  expect(theirs.takeOffer(offer, NOW + 1000)).toEqual(answer)
  expect(theirs.accept(offer.tunnel, terms)).toBeUndefined()
})

test('an offer in the name of another peer is dropped', () => {
  const { ours, theirs } = pair()
  expect(theirs.takeOffer({ ...offered(ours), peer: mallory!.peer }, NOW)).toBeUndefined()
})

test('an offer that was sent long ago is dropped', () => {
  const { ours, theirs } = pair()
  expect(theirs.takeOffer(offered(ours), NOW + 120_001)).toBeUndefined()
})

test('a node cannot forge an acceptance', () => {
  const { ours } = pair()
  const { tunnel } = offered(ours)
  expect(
    ours.takeAnswer({ tunnel, peer: bob!.peer, outcome: 'accepted', noise: seed(1), direction }),
  ).toBeUndefined()
})

test('a node can say that the other is offline', () => {
  const { ours } = pair()
  const { tunnel } = offered(ours)
  const effect = ours.takeAnswer({ tunnel, peer: bob!.peer, outcome: 'offline', noise: new Uint8Array(0) })
  expect(effect).toEqual({ kind: 'refused', id: 7, outcome: 'offline', reason: '' })
})

test('the stricter wish for paths holds, and a contradiction is a refusal', () => {
  const { ours, theirs } = pair()
  const offer = offered(ours)
  theirs.takeOffer(offer, NOW)
  const { answer } = theirs.accept(offer.tunnel, { clear: true, paths: 'relay-only' })!
  expect(agreementOf(ours.takeAnswer(asHeard(answer)))?.terms).toEqual({ clear: false, paths: 'relay-only' })

  const strict = offered(ours, { clear: false, paths: 'direct-only' })
  theirs.takeOffer(strict, NOW)
  const refused = theirs.accept(strict.tunnel, { clear: false, paths: 'relay-only' })!
  expect(refused.agreement).toBeUndefined()
  expect(ours.takeAnswer(asHeard(refused.answer))).toMatchObject({ kind: 'refused', reason: 'paths' })
})

test('an offer is repeated after half a second, a second, and then every two', () => {
  const { ours } = pair()
  ours.offer({ id: 1, to: bob!.peer, intent: '', terms, sentAt: 0 })
  const times: number[] = []
  for (let i = 0; i < 5; i++) {
    const now = ours.deadline()
    ours.send(now, () => times.push(now) > 0)
  }
  expect(times).toEqual([0, 500, 1500, 3500, 5500])
  ours.withdraw(1)
  expect(ours.deadline()).toBe(Number.POSITIVE_INFINITY)
})
