import { describe, expect, test } from 'vitest'
import { ServiceWay } from '../../../shared/core/peer/service-way.ts'

function silent(way: ServiceWay, ...times: number[]): ServiceWay {
  for (const at of times) way.asked(at)
  return way
}

test('a service is asked both ways when the third question is not answered, and at once where another was silent', () => {
  expect(silent(new ServiceWay(), 0, 250).kind).toBe('udp')
  expect(silent(new ServiceWay(), 0, 250, 750).kind).toBe('asking')
  expect(new ServiceWay({ known: 'none' }).kind).toBe('asking')
})

test('what is asked in one breath is no sign of anything, and one that answered has more time', () => {
  expect(silent(new ServiceWay(), 0, 1, 2, 3).kind).toBe('udp')
  const way = new ServiceWay()
  way.heard('udp')
  expect(silent(way, 1000, 2000).kind).toBe('udp')
  expect(silent(way, 3000).kind).toBe('asking')
})

describe('asking', () => {
  test.each([
    ['udp', 'udp'],
    ['carrier', 'carried'],
  ] as const)('takes the %s where something comes by it first', (by, kind) => {
    const way = new ServiceWay({ known: 'none' })
    way.heard(by)
    expect(way.kind).toBe(kind)
  })
})

test('carried, it goes back to UDP when that is heard, and asks both ways when the carrier falls silent', () => {
  const way = new ServiceWay({ known: 'none' })
  way.heard('carrier')
  way.heard('udp')
  expect(way.kind).toBe('udp')
  const other = new ServiceWay({ known: 'none' })
  other.heard('carrier')
  expect(silent(other, 0, 1000, 2000, 3000, 4000, 5000).kind).toBe('carried')
  expect(silent(other, 6000).kind).toBe('asking')
})

describe('the UDP port', () => {
  test('is the own one until it is silent, then all are asked, and the one that answers is used', () => {
    const way = silent(new ServiceWay(), 0, 250)
    expect(way.ports()).toEqual([0])
    expect(silent(way, 750).ports()).toEqual([0, 443, 3478])
    way.heard('udp', 3478)
    expect([way.kind, way.ports()]).toEqual(['udp', [3478]])
  })

  test('is the own one again as soon as that is heard, and no other one while it answers', () => {
    const way = new ServiceWay({ known: 443 })
    expect([way.kind, way.ports()]).toEqual(['udp', [443]])
    way.heard('udp', 3478)
    expect(way.ports()).toEqual([443])
    way.heard('udp', 0)
    expect(way.ports()).toEqual([0])
  })

  test('is one common port at a time for a service that would take one request for two', () => {
    const way = new ServiceWay({ known: 'none', inTurn: true })
    expect(Array.from({ length: 5 }, () => way.ports()[1])).toEqual([443, 443, 3478, 3478, 443])
  })

  test('is tried again at all ports when the common one falls silent', () => {
    const way = silent(new ServiceWay({ known: 443 }), 0, 1000, 2000)
    expect([way.kind, way.ports()]).toEqual(['asking', [443, 0, 3478]])
  })
})
