import { describe, expect, test } from 'vitest'
import { Way } from '../../../shared/core/peer/way.ts'

/** Returns a way after datagrams sent at these times without an answer. */
function silent(way: Way, ...times: number[]): Way {
  for (const at of times) way.sent(at)
  return way
}

const carried = () => {
  const way = silent(new Way(), 0, 250, 750)
  way.heard('gateway', 900)
  return way
}

test('begins over UDP, and asks the gateway at the third sign-in that is not answered', () => {
  const way = silent(new Way(), 0, 250)
  expect(way.kind).toBe('udp')
  expect(silent(way, 750).kind).toBe('asking')
})

test('what is said in one breath is no sign of anything', () => {
  expect(silent(new Way(), 0, 1, 2, 3, 4).kind).toBe('udp')
})

test('is patient if UDP has worked', () => {
  const way = new Way()
  way.heard('udp', 0)
  expect(silent(way, 30_000, 30_250, 30_750).kind).toBe('udp')
  expect(silent(way, 31_000).kind).toBe('asking')
})

test.each([
  ['a sign-in, which is always answered, from the first one on', false, 30_000],
  ['a session, whose acknowledgements are not answered, from when it asks', true, 31_000],
])('doubts UDP in %s', (_, isProven, doubtedAt) => {
  const way = new Way()
  if (isProven) way.heard('udp', 0)
  expect(silent(way, 30_000, 30_250, 31_000).kind).toBe('asking')
  expect(way.doubtedAt).toBe(doubtedAt)
})

describe('asking', () => {
  test.each(['udp', 'gateway'] as const)('takes the %s where something comes by it first', (by) => {
    const way = silent(new Way(), 0, 250, 750)
    way.heard(by, 900)
    expect(way.kind).toBe(by === 'udp' ? 'udp' : 'carried')
  })

  test('uses both, until it is likely that UDP goes out and nothing comes in', () => {
    const way = silent(new Way(), 0, 250, 750)
    expect([750, 5749, 5750].map((at) => way.usesUdp(at))).toEqual([true, true, false])
  })

  test('goes back to UDP where nobody answers, or there is no gateway', () => {
    const way = silent(new Way(), 0, 250, 750, 10_750)
    expect(way.kind).toBe('udp')
    silent(way, 11_000, 11_250, 11_750).gatewayFailed()
    expect(way.kind).toBe('udp')
  })
})

describe('carried', () => {
  test('tries UDP with a keep-alive each 30 s, and leaves when it is answered', () => {
    const way = carried()
    expect(way.probeAt).toBe(30_900)
    way.probed(31_000)
    expect(way.probeAt).toBe(61_000)
    way.heard('gateway', 61_000)
    expect(way.kind).toBe('carried')
    way.heard('udp', 61_100)
    expect([way.kind, way.probeAt]).toEqual(['udp', Number.POSITIVE_INFINITY])
  })

  test('tries it every five seconds if it has worked in this network for a minute, for a quarter of an hour', () => {
    const way = new Way()
    way.heard('udp', 0)
    silent(way, 70_000, 71_000, 72_000).heard('gateway', 72_100)
    expect(way.probeAt).toBe(77_100)
    way.probed(77_100)
    expect(way.probeAt).toBe(82_100)
    way.probed(972_100)
    expect(way.probeAt).toBe(1_002_100)
    way.networkChanged()
    way.probed(1_003_000)
    expect(way.probeAt).toBe(1_033_000)
  })

  test('tries it every five seconds after the first failure, however short it worked', () => {
    const way = new Way()
    way.heard('udp', 0)
    silent(way, 20_000, 21_000, 22_000).heard('gateway', 22_100)
    expect(way.probeAt).toBe(27_100)
  })

  test('tries it at once in another network', () => {
    const way = carried()
    way.networkChanged()
    expect(way.probeAt).toBeLessThan(1000)
  })

  test('tries it less and less often where it never lasts', () => {
    const way = carried()
    const waits = Array.from({ length: 6 }, (_, i) => {
      const at = 1_000_000 * (i + 1)
      way.heard('udp', at)
      silent(way, at + 1000, at + 2000, at + 3000)
      way.heard('gateway', at + 3000)
      return way.probeAt - at - 3000
    })
    expect(waits).toEqual([60_000, 120_000, 240_000, 480_000, 480_000, 480_000])
  })

  test('stays while nodes die, and is given up when nobody answers any more', () => {
    const way = silent(carried(), 30_000, 31_000, 32_000, 33_000, 33_250)
    expect(way.kind).toBe('carried')
    expect(silent(way, 34_000, 35_000).kind).toBe('udp')
  })

  test('always, where UDP is not wanted', () => {
    const way = silent(new Way(false), 0, 1000, 2000, 3000, 4000, 5000, 6000, 7000)
    way.networkChanged()
    way.gatewayFailed()
    expect([way.kind, way.probeAt]).toEqual(['carried', Number.POSITIVE_INFINITY])
  })
})

describe('the UDP port', () => {
  test('is a common one if only that answers, until the network changes', () => {
    const way = silent(new Way(), 0, 250)
    expect(way.ports(250)).toEqual([0])
    expect(silent(way, 750).ports(750)).toEqual([0, 443, 3478])
    way.heard('udp', 800, 443)
    expect([way.kind, way.ports(900)]).toEqual(['udp', [443]])
    way.networkChanged()
    expect(way.ports(1000)).toEqual([0])
  })

  test('is found by the keep-alives that are sent while the gateway carries', () => {
    const way = carried()
    expect([way.ports(1000), way.probePorts()]).toEqual([[], [0, 443, 3478]])
    way.heard('udp', 31_000, 3478)
    expect([way.kind, way.ports(31_000)]).toEqual(['udp', [3478]])
  })
})
