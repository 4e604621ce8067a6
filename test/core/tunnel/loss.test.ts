import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Loss } from '../../../shared/core/tunnel/loss.ts'

/** Records `count` probes in turn. `lost` tells for which the retransmission was answered. */
function after(count: number, lost: (i: number) => boolean): Loss {
  const loss = new Loss()
  for (let i = 0; i < count; i++) {
    loss.asked(2 * i + 1)
    loss.answered(lost(i) ? 2 * i + 2 : 2 * i + 1)
  }
  return loss
}

test('nothing is known without probes, and little with few', () => {
  expect([new Loss().atLeast, new Loss().atMost]).toEqual([0, 1])
  expect(after(3, () => true).atLeast).toBeLessThan(0.25)
  expect(after(4, () => false).atMost).toBeGreaterThan(0.25)
})

test('half of the probes lost are a good quarter of the packets, as the answers are lost too', () => {
  const loss = after(200, (i) => i % 2 === 0)
  expect(loss.share).toBeCloseTo(1 - Math.sqrt(0.5), 1)
  expect(loss.atLeast).toBeGreaterThan(0.1)
  expect(loss.atMost).toBeLessThan(0.5)
})

test('an outage counts once, however many repeats it takes, and silence not at all', () => {
  const loss = after(40, () => false)
  loss.asked(1001)
  expect(loss.share).toBe(0)
  for (const repeat of [1010, 1011, 1012]) loss.answered(repeat)
  expect(loss.share).toBeLessThan(0.02)
})

test('an answer that was overtaken is no loss', () => {
  const loss = new Loss()
  loss.asked(8)
  loss.answered(7)
  loss.answered(8)
  expect(loss.share).toBe(0)
})

test('what was long ago is forgotten', () => {
  const loss = after(400, (i) => i < 200)
  expect(loss.share).toBeLessThan(0.01)
})

test('the bounds are around the share, whatever was lost', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (lost) => {
      const { atLeast, share, atMost } = after(lost.length, (i) => lost[i]!)
      expect(atLeast).toBeGreaterThanOrEqual(0)
      expect(atMost).toBeLessThanOrEqual(1)
      expect(atLeast).toBeLessThanOrEqual(share)
      expect(atMost).toBeGreaterThanOrEqual(share)
    }),
  )
})
