import { describe, expect, test } from 'vitest'
import { ServiceWay } from '../../../shared/core/peer/service-way.ts'

function silent(way: ServiceWay, ...times: number[]): ServiceWay {
  for (const at of times) way.asked(at)
  return way
}

test('a service is asked both ways when the third question is not answered, and at once where another was silent', () => {
  expect(silent(new ServiceWay(false), 0, 250).kind).toBe('udp')
  expect(silent(new ServiceWay(false), 0, 250, 750).kind).toBe('asking')
  expect(new ServiceWay(true).kind).toBe('asking')
})

test('what is asked in one breath is no sign of anything, and one that answered has more time', () => {
  expect(silent(new ServiceWay(false), 0, 1, 2, 3).kind).toBe('udp')
  const way = new ServiceWay(false)
  way.heard('udp')
  expect(silent(way, 1000, 2000).kind).toBe('udp')
  expect(silent(way, 3000).kind).toBe('asking')
})

describe('asking', () => {
  test.each([
    ['udp', 'udp'],
    ['carrier', 'carried'],
  ] as const)('takes the %s where something comes by it first', (by, kind) => {
    const way = new ServiceWay(true)
    way.heard(by)
    expect(way.kind).toBe(kind)
  })
})

test('carried, it goes back to UDP when that is heard, and asks both ways when the carrier falls silent', () => {
  const way = new ServiceWay(true)
  way.heard('carrier')
  way.heard('udp')
  expect(way.kind).toBe('udp')
  const other = new ServiceWay(true)
  other.heard('carrier')
  expect(silent(other, 0, 1000, 2000, 3000, 4000, 5000).kind).toBe('carried')
  expect(silent(other, 6000).kind).toBe('asking')
})
