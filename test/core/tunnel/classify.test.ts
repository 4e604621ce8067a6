import { describe, expect, test } from 'vitest'
import { classify, classifyPorts, widened } from '../../../shared/core/tunnel/classify.ts'
import { parseAddress } from '../../../shared/wire/address.ts'

const [S1, S1B, S2, S2B] = ['192.0.2.1:3478', '192.0.2.1:3479', '192.0.2.2:3478', '192.0.2.2:3479']
const LOCAL_PORT = 5000

/** The observations of each server, in order: server and port. */
function seen(...pairs: [string, number][]) {
  const observations = pairs.map(([server, port]) => ({
    server: parseAddress(server)!.words,
    mapped: parseAddress(`203.0.113.7:${port}`)!.words,
  }))
  return classify(observations, LOCAL_PORT)
}

test.each([
  [
    'the same at two servers',
    [
      [S1, 7],
      [S2, 7],
    ],
    'independent',
    'unknown',
    0,
  ],
  [
    'the local port at two servers',
    [
      [S1, 5000],
      [S2, 5000],
    ],
    'independent',
    'preserving',
    0,
  ],
  [
    'the same at two ports of one server only',
    [
      [S1, 7],
      [S1B, 7],
    ],
    'unknown',
    'unknown',
    0,
  ],
  ['one server only', [[S1, 7]], 'unknown', 'unknown', 0],
  ['nothing', [], 'unknown', 'unknown', 0],
  [
    'another at the other server, the same at its two ports',
    [
      [S1, 900],
      [S2, 7000],
      [S2B, 7000],
    ],
    'address',
    'random',
    0,
  ],
  [
    'another at each port',
    [
      [S1, 7],
      [S2, 9000],
      [S2B, 400],
    ],
    'addressAndPort',
    'random',
    0,
  ],
  [
    'another at another port of one server',
    [
      [S1, 7],
      [S1B, 9000],
    ],
    'addressAndPort',
    'random',
    0,
  ],
  [
    'another at the other server, and no more known',
    [
      [S1, 7],
      [S2, 9000],
    ],
    'addressAndPort',
    'random',
    0,
  ],
  [
    'one after another',
    [
      [S1, 40000],
      [S2, 40001],
      [S2B, 40002],
    ],
    'addressAndPort',
    'sequential',
    1,
  ],
  [
    'one after another, with a gap of somebody else',
    [
      [S1, 40000],
      [S2, 40002],
      [S2B, 40008],
    ],
    'addressAndPort',
    'sequential',
    2,
  ],
] as const)('%s', (_name, pairs, mapping, allocation, step) => {
  expect(seen(...pairs.map(([server, port]): [string, number] => [server, port]))).toMatchObject({
    mapping,
    allocation,
    step,
  })
})

test('the range of ports is kept', () => {
  expect(seen([S1, 300], [S2, 100], [S2B, 200])).toMatchObject({ low: 100, high: 300 })
  expect(seen()).toMatchObject({ low: 0, high: 0 })
})

test('what was seen over IPv6 says nothing about a NAT of IPv4', () => {
  const six = {
    server: parseAddress('[2001:db8::1]:1')!.words,
    mapped: parseAddress('[2001:db8::2]:2')!.words,
  }
  expect(classify([six, six], LOCAL_PORT)).toMatchObject({ mapping: 'unknown', low: 0 })
})

describe('the ports of a symmetric NAT, from four packets of each of eight sockets', () => {
  const sampled = (portOf: (i: number) => number) =>
    Array.from({ length: 32 }, (_, i) => ({
      socket: 1 + (i % 8),
      server: parseAddress(S1)!,
      transaction: new Uint8Array(12),
      port: portOf(i),
    }))
  const classOf = (portOf: (i: number) => number) => classifyPorts(sampled(portOf), (socket) => 6000 + socket)
  const scattered = (i: number) => (i * 40_503) % 65_536

  test.each([
    ['each the next', (i: number) => 41_000 + i, 'sequential', 1],
    ['each the next but one', (i: number) => 41_000 + 2 * i, 'sequential', 2],
    ['in another order than they were sent', (i: number) => 41_000 + (i ^ 1), 'sequential', 1],
    [
      'with a gap where neighbours took some',
      (i: number) => 41_000 + i + 7 * Math.floor(i / 8),
      'sequential',
      1,
    ],
    ['beginning again at the lowest', (i: number) => 32_768 + ((20 + i) % 40), 'sequential', 1],
    ['with a third of the answers lost', (i: number) => (i % 3 === 0 ? 0 : 41_000 + i), 'sequential', 1],
    ['anywhere in a block', (i: number) => 20_000 + ((i * i * i * 7919 + i * 131) % 512), 'block', 0],
    ['anywhere', scattered, 'random', 0],
    ['its own port to the first server', (i: number) => (i < 8 ? 6001 + i : scattered(i)), 'preserving', 0],
  ] as const)('%s', (_name, portOf, allocation, step) => {
    expect(classOf(portOf)).toMatchObject({ allocation, step })
  })

  test('show an overloaded block if one of them came twice, or in a second series', () => {
    const inBlock = (i: number) => 20_000 + ((37 * i * i + 11 * i) % 509)
    const once = classOf(inBlock)!
    expect(once).toMatchObject({ allocation: 'block', overloads: 'unknown' })
    expect(classOf((i) => inBlock(i === 31 ? 0 : i))).toMatchObject({ overloads: 'yes' })
    const more = (portOf: (i: number) => number) => widened(once, sampled(portOf))
    expect(more((i) => 20_520 + i)).toMatchObject({ overloads: 'no', low: once.low, high: 20_551 })
    expect(more((i) => 20_520 + (i % 31))).toMatchObject({ overloads: 'yes' })
    expect(
      widened(
        { ...once, overloads: 'yes' },
        sampled((i) => 20_520 + i),
      ),
    ).toMatchObject({ overloads: 'yes' })
    expect(more((i) => (i < 7 ? 20_520 : 0))).toEqual(once)
  })

  test('show nothing when they are few', () => {
    expect(classOf((i) => (i < 7 ? 41_000 + i : 0))).toBeUndefined()
  })
})
