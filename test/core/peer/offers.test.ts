import { expect, test } from 'vitest'
import type { PeerEffect } from '../../../shared/core/peer/events.ts'
import { Offers } from '../../../shared/core/peer/offers.ts'
import { UNFORESEEN } from '../../../shared/core/tunnel/foresight.ts'
import { identityOf } from '../../../shared/crypto/identity.ts'
import { Random } from '../../../shared/crypto/random.ts'
import { type TunnelId, toBase32 } from '../../../shared/ids.ts'
import { addressOf, NOWHERE } from '../../../shared/wire/address.ts'
import type { Answer, Direction, Foreseen, Offer, TunnelTerms } from '../../../shared/wire/offers.ts'

const seed = (byte: number) => new Uint8Array(32).fill(byte)
const [alice, bob, mallory] = [1, 2, 3].map((byte) => identityOf(seed(byte)))
const direction: Direction = { handshake: [], key: seed(9), grant: seed(8) }
const terms: TunnelTerms = { clear: false, paths: 'auto' }
const NOW = 1_000_000
const [TUNNEL, OTHER_TUNNEL] = [7, 8].map((byte) => toBase32(seed(byte).subarray(16))) as [TunnelId, TunnelId]
const FORESEEN: Foreseen = { port: 40_001, forgiving: true }

function pair() {
  const ours = new Offers(alice!, new Random(seed(4)))
  const theirs = new Offers(bob!, new Random(seed(5)))
  return { ours, theirs }
}

function offered(ours: Offers, wanted = terms, foreseen = FORESEEN, tunnel = TUNNEL): Offer {
  ours.offer({ tunnel, to: bob!.peer, intent: 'play', terms: wanted, foreseen, sentAt: NOW })
  const offers: Offer[] = []
  ours.send(NOW, (offer) => offers.push(offer) > 0)
  return { ...offers[0]!, peer: alice!.peer, direction }
}

/** Fields of an answer that a node sends on its own. */
const BY_NODE = { noise: new Uint8Array(0), expected: NOWHERE }
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
  const accepted = theirs.accept(offer.tunnel, terms, 0)!
  const agreed = agreementOf(ours.takeAnswer(asHeard(accepted.answer), NOW))!
  expect(agreed).toMatchObject({ tunnel: TUNNEL, leg: 0, peer: bob!.peer })
  expect(agreed.keys.send).toEqual(accepted.agreement!.keys.receive)
  expect(agreed.keys.receive).toEqual(accepted.agreement!.keys.send)
})

test.each([
  [true, true, 'agreed', 'agreed'],
  [true, false, 'not-there', 'not-here'],
  [false, true, 'not-here', 'not-there'],
  [false, false, 'not-here', 'not-here'],
] as const)('both sides learn whether both have ML-KEM (%s, %s)', (here, there, ofOurs, ofTheirs) => {
  const ours = new Offers(alice!, new Random(seed(4)), here)
  const theirs = new Offers(bob!, new Random(seed(5)), there)
  const offer = offered(ours)
  theirs.takeOffer(offer, NOW)
  const accepted = theirs.accept(offer.tunnel, terms, 0)!
  const agreed = agreementOf(ours.takeAnswer(asHeard(accepted.answer), NOW))!
  expect([agreed.mixing, accepted.agreement!.mixing]).toEqual([ofOurs, ofTheirs])
})

test('nobody between two peers can change what they say about ML-KEM', () => {
  const { ours, theirs } = pair()
  const offer = offered(ours)
  for (let i = 0; i < offer.noise.length; i++) {
    const noise = offer.noise.slice()
    noise[i]! ^= 16
    expect(theirs.takeOffer({ ...offer, noise }, NOW)).toBeUndefined()
  }
  theirs.takeOffer(offer, NOW)
  const { answer } = theirs.accept(offer.tunnel, terms, 0)!
  for (let i = 0; i < answer.noise.length; i++) {
    const noise = answer.noise.slice()
    noise[i]! ^= 16
    expect(ours.takeAnswer(asHeard({ ...answer, noise }), NOW)).toBeUndefined()
  }
  expect(agreementOf(ours.takeAnswer(asHeard(answer), NOW))?.mixing).toBe('agreed')
})

test('while the other side decides, the offer rings once', () => {
  const { ours } = pair()
  const { tunnel } = offered(ours)
  const ringing: Answer = { tunnel, peer: bob!.peer, outcome: 'ringing', ...BY_NODE, direction }
  expect(ours.takeAnswer({ ...ringing, peer: mallory!.peer }, NOW)).toBeUndefined()
  expect(ours.takeAnswer(ringing, NOW)).toEqual({
    kind: 'ringing',
    tunnel,
    direction,
  })
  expect(ours.takeAnswer(ringing, NOW)).toBeUndefined()
  expect(ours.takeAnswer({ ...ringing, outcome: 'offline' }, NOW)).toMatchObject({ outcome: 'offline' })
})

test('who accepts what is to go over a relay alone does not say where it will be seen', () => {
  const { ours, theirs } = pair()
  const offer = offered(ours, { clear: false, paths: 'relay-only' })
  theirs.takeOffer(offer, NOW)
  expect(theirs.accept(offer.tunnel, terms, 40_002)!.answer.expected).toEqual(NOWHERE)
})

test('where early packets do harm, the other side is told of the port and sends nothing there by itself', () => {
  const { ours, theirs } = pair()
  const offer = offered(ours, terms, { port: 40_001, forgiving: false })
  const expected = addressOf('198.51.100.1', 40_001)!
  expect(theirs.takeOffer({ ...offer, expected }, NOW)).toMatchObject({ expected, forgiving: false })
  expect(theirs.accept(offer.tunnel, terms, 40_002)!.agreement!.expected).toEqual(NOWHERE)
})

test('both sides say at which port they expect to be seen, and hear where the other one does', () => {
  const { ours, theirs } = pair()
  const offer = offered(ours)
  expect(offer.expected.words).toEqual(Uint32Array.of(0, 0, 0, 0, 40_001))
  const [mine, its] = [addressOf('198.51.100.1', 40_001)!, addressOf('198.51.100.2', 40_002)!]
  theirs.takeOffer({ ...offer, expected: mine }, NOW)
  const { answer, agreement } = theirs.accept(offer.tunnel, terms, 40_002)!
  expect(answer.expected.words).toEqual(Uint32Array.of(0, 0, 0, 0, 40_002))
  expect(agreement!.expected).toEqual(mine)
  const agreed = agreementOf(ours.takeAnswer({ ...asHeard(answer), expected: its }, NOW))
  expect(agreed!.expected).toEqual(its)
})

test('a refusal carries its reason, which only the offering peer can read', () => {
  const { ours, theirs } = pair()
  const offer = offered(ours)
  theirs.takeOffer(offer, NOW)
  const answer = theirs.refuse(offer.tunnel, 'busy playing')!
  expect(Buffer.from(answer.noise).includes('busy')).toBe(false)
  expect(ours.takeAnswer(asHeard(answer), NOW)).toEqual({
    kind: 'refused',
    tunnel: TUNNEL,
    outcome: 'refused',
    reason: 'busy playing',
  })
})

test('a repeat is shown once and answered the same', () => {
  const { ours, theirs } = pair()
  const offer = offered(ours)
  theirs.takeOffer(offer, NOW)
  expect(theirs.takeOffer(offer, NOW + 500)).toBeUndefined()
  const { answer } = theirs.accept(offer.tunnel, terms, 0)!
  expect(theirs.takeOffer(offer, NOW + 1000)).toEqual(answer)
  expect(theirs.accept(offer.tunnel, terms, 0)).toBeUndefined()
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
  const forged = { tunnel, peer: bob!.peer, outcome: 'accepted', noise: seed(1), expected: NOWHERE } as const
  expect(ours.takeAnswer({ ...forged, direction }, NOW)).toBeUndefined()
})

test('a node can say that the other is offline', () => {
  const { ours } = pair()
  const { tunnel } = offered(ours)
  const effect = ours.takeAnswer({ tunnel, peer: bob!.peer, outcome: 'offline', ...BY_NODE }, NOW)
  expect(effect).toEqual({ kind: 'refused', tunnel: TUNNEL, outcome: 'offline', reason: '' })
})

test('the stricter wish for paths holds, and a contradiction is a refusal', () => {
  const { ours, theirs } = pair()
  const offer = offered(ours)
  theirs.takeOffer(offer, NOW)
  const { answer } = theirs.accept(offer.tunnel, { clear: true, paths: 'relay-only' }, 0)!
  expect(agreementOf(ours.takeAnswer(asHeard(answer), NOW))?.terms).toEqual({
    clear: false,
    paths: 'relay-only',
  })

  const strict = offered(ours, { clear: false, paths: 'direct-only' }, FORESEEN, OTHER_TUNNEL)
  theirs.takeOffer(strict, NOW)
  const refused = theirs.accept(strict.tunnel, { clear: false, paths: 'relay-only' }, 0)!
  expect(refused.agreement).toBeUndefined()
  expect(ours.takeAnswer(asHeard(refused.answer), NOW)).toMatchObject({ kind: 'refused', reason: 'paths' })
})

test('an offer is repeated after half a second, a second, and then every two', () => {
  const { ours } = pair()
  ours.offer({ tunnel: TUNNEL, to: bob!.peer, intent: '', terms, foreseen: UNFORESEEN, sentAt: 0 })
  const times: number[] = []
  for (let i = 0; i < 5; i++) {
    const now = ours.deadline()
    ours.send(now, () => times.push(now) > 0)
  }
  expect(times).toEqual([0, 500, 1500, 3500, 5500])
  ours.withdraw(TUNNEL)
  expect(ours.deadline()).toBe(Number.POSITIVE_INFINITY)
})
