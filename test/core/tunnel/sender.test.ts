import { beforeEach, describe, expect, test } from 'vitest'
import { B, OtherSide, RELAY } from './other-side.ts'

const [TO_B, TO_RELAY] = ['198.51.100.2:40000', '192.0.2.9:4002']
let other: OtherSide
beforeEach(() => {
  other = new OtherSide()
})

const send = () => other.paths.sender.send(Uint8Array.of(1), other.out, other.now)
const destinations = () => other.sent().map(({ to }) => to)

test('without a path nothing is sent', () => {
  expect(send()).toBe(false)
  expect(other.paths.sender.sendControl({ kind: 'close', reason: 0 }, other.out, 0)).toBe(false)
  expect(other.sent()).toEqual([])
})

describe('data', () => {
  beforeEach(() => {
    other.bind(RELAY)
    other.reach(B)
    other.answer(B)
    other.sent()
  })

  test('prefers the direct path, and goes over both paths while that is suspect', () => {
    send()
    expect(destinations()).toEqual([TO_B])
    other.pass(1000)
    other.sent()
    send()
    other.paths.sender.sendControl({ kind: 'close', reason: 0 }, other.out, other.now)
    expect(destinations()).toEqual([TO_B, TO_RELAY, TO_B, TO_RELAY])
    other.pass(1000)
    expect(other.paths.choice.active?.kind).toBe('relayed')
    expect(other.paths.choice.directDied).toBe(true)
  })

  test('that left before the path fell silent leaves again over the spare one, and when that takes over', () => {
    send()
    send()
    other.sent()
    const again = (ms: number) => {
      other.pass(ms)
      const data = other.sent().filter(({ controls }) => controls.length === 0)
      return data.map(({ to }) => to)
    }
    expect(again(2000)).toEqual([TO_RELAY, TO_RELAY, TO_RELAY, TO_RELAY])
    expect(again(10_000)).toEqual([])
  })

  test('that a later answer has proven does not leave again', () => {
    send()
    other.stay(1000, B)
    other.pass(2000)
    expect(other.sent().filter(({ controls }) => controls.length === 0)).toEqual([])
  })

  test('makes the path probed twice a second, and so do streams', () => {
    const probesIn = (ms: number) => {
      let count = 0
      for (const end = other.now + ms; other.now < end; ) {
        other.pass(50)
        count += other.out.count
        other.answer(B)
      }
      return count
    }
    expect(probesIn(10_000)).toBeLessThan(2)
    other.paths.sender.streaming = true
    expect(probesIn(10_000)).toBeGreaterThan(17)
    other.paths.sender.streaming = false
    expect(probesIn(10_000)).toBeLessThan(3)
  })
})
