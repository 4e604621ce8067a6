import { beforeEach, describe, expect, test } from 'vitest'
import { type Control, SMALL_PROBE_BYTES } from '../../../shared/wire/tunnel.ts'
import { B, OtherSide } from './other-side.ts'

let other: OtherSide
beforeEach(() => {
  other = new OtherSide()
})

describe('where the other side is expected', () => {
  test('it is asked in full size at once, and an answer that asks back makes the path fit', () => {
    other.paths.targets.greet(B.words, 0, other.out, 0)
    const [greeting] = other.sent()
    expect(greeting).toMatchObject({ to: '198.51.100.2:40000', bytes: 1200, controls: [{ kind: 'probe' }] })
    const { id: answers, bodyBytes } = greeting!.controls[0] as Extract<Control, { kind: 'probe' }>
    other.say(B, { kind: 'probeBack', answers, observed: B, id: 7n, here: false, bodyBytes })
    expect(other.paths.choice.active?.state).toBe('fit')
    expect(other.sent().flatMap(({ controls }) => controls)).toContainEqual(
      expect.objectContaining({ kind: 'probeAck', id: 7n }),
    )
  })

  test('it is asked a few times more, in small, and then no longer', () => {
    other.paths.targets.greet(B.words, 0, other.out, 0)
    const sizes = other.pass(5000).sent()
    expect(sizes.map(({ bytes }) => bytes)).toEqual([1200, ...Array(6).fill(SMALL_PROBE_BYTES)])
  })
})

test('probes are counted, without the full-sized ones beside them', () => {
  const { targets } = other.paths
  targets.greet(B.words, 0, other.out, 0)
  targets.probeInFull(B.words, 0, other.out, 0)
  targets.probe(B.words, 0, 4, other.out, 0)
  targets.strew(B.words, 0, 0, other.out, 0)
  expect([other.sent().length, targets.effort.packets]).toEqual([4, 3])
})

test('an address that is proven already is not probed again for a step', () => {
  other.reach(B)
  other.sent()
  expect(other.paths.targets.probe(B.words, 0, 0, other.out, other.now)).toBe(false)
  expect(other.sent()).toEqual([])
})
