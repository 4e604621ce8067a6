import { beforeEach, describe, expect, test } from 'vitest'
import { Queue } from '../../../shared/core/session/queue.ts'
import { Departure } from '../../../shared/core/tunnel/departure.ts'
import { Sockets } from '../../../shared/core/tunnel/sockets.ts'
import { Random } from '../../../shared/crypto/random.ts'
import { formatAddress } from '../../../shared/wire/address.ts'
import { address, B, OtherSide, probe } from './other-side.ts'

let other: OtherSide
let departure: Departure
beforeEach(() => {
  other = new OtherSide()
  const sockets = new Sockets(() => other.paths.book.usedSockets, new Queue())
  departure = new Departure(other.paths, sockets, new Random(new Uint8Array(32)), 0)
})

describe('a direct path that the other side is about to leave', () => {
  const [NEXT, FAR] = [address('198.51.100.2:40007'), address('198.51.100.3:40000')]
  const follow = (next = NEXT) => departure.follow(next, 42, other.out, other.now)

  test('gives way to the new one as soon as that is fit, and is given up', () => {
    other.reach(B, 10)
    follow()
    other.answer(NEXT)
    other.answer(NEXT)
    expect(other.at).toBe('198.51.100.2:40007')
    other.stay(3000, NEXT)
    const packet = { newest: true, bytes: 42 }
    const old = other.paths.prover.heard(B.words, 0, 0, packet, other.out, other.now)
    expect([other.at, old?.state]).toEqual(['198.51.100.2:40007', 'gone'])
    expect(other.sent()).toEqual([])
  })

  test('stays what it was where the new one never is, and the end does not come', () => {
    other.reach(B, 10)
    follow()
    other.stay(20_000, B)
    other.paths.targets.probe(FAR.words, 0, 0, other.out, other.now)
    other.now += 200
    other.answer(FAR)
    other.say(B, probe(7n))
    other.now += 200
    other.answer(FAR)
    expect(other.paths.book.direct?.words).toEqual(B.words)
    expect(other.at).toBe('198.51.100.2:40000')
  })

  test('is not followed to another host', () => {
    other.reach(B, 10)
    other.answer(B)
    other.sent()
    follow(FAR)
    expect(other.sent()).toEqual([])
    expect(other.paths.book.find(FAR.words, 0, 0)).toBeUndefined()
    expect(formatAddress(other.paths.choice.active!.words)).toBe('198.51.100.2:40000')
  })
})
