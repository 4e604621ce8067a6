import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { networkPair, publicAddresses } from '../../../shared/core/handshake/networks.ts'
import { plan, type Standing } from '../../../shared/core/handshake/planner.ts'
import { formatAddress, parseAddress } from '../../../shared/wire/address.ts'
import { MAX_TARGETS } from '../../../shared/wire/handshake.ts'
import { type Candidate, type Profile, UNKNOWN_PROFILE } from '../../../shared/wire/profile.ts'

const candidate = (kind: Candidate['kind'], text: string): Candidate => ({
  kind,
  address: parseAddress(text)!,
})

/** Returns a peer behind its own NAT. `host` is the last byte of its public address. */
function behind(nat: Partial<Profile>, host: number, ...more: Candidate[]): Profile {
  const candidates = [
    candidate('host', `192.168.${host}.2:5000`),
    candidate('reflexive', `203.0.113.${host}:40000`),
    ...more,
  ]
  return { ...UNKNOWN_PROFILE, ready: true, ...nat, candidates }
}

const FULL = { mapping: 'independent', filtering: 'independent' } as const
const ADDRESS = { mapping: 'independent', filtering: 'address' } as const
const PORT = { mapping: 'independent', filtering: 'addressAndPort' } as const
const SYMMETRIC = { mapping: 'addressAndPort', filtering: 'addressAndPort' } as const
const UNKNOWN = { ready: false } as const
const SEQUENTIAL = { ...SYMMETRIC, allocation: 'sequential', step: 2, next: 41_000 } as const
const PRESERVING = { ...SYMMETRIC, allocation: 'preserving', next: 5001 } as const
const BLOCK = { ...SYMMETRIC, allocation: 'block', low: 20_000, high: 20_500 } as const
const CHUNK = { ...SYMMETRIC, allocation: 'block', low: 20_000, high: 23_800 } as const
const HUGE = { ...SYMMETRIC, allocation: 'block', low: 20_000, high: 28_000, overloads: 'yes' } as const
const SHARED = { ...BLOCK, overloads: 'yes' } as const
const OWN = { ...BLOCK, overloads: 'no' } as const
const RANDOM = { ...SYMMETRIC, allocation: 'random', low: 2000, high: 64_000 } as const
/** The impatient attempt, then the patient one. */
const TWICE = ['scatter', 'scatter']
/** Standing in which the HANDSHAKE has seen both peers, and both know a relay. */
const standing = (a: Profile, b: Profile): Standing => ({
  seen: [publicAddresses(a)[0], publicAddresses(b)[0]],
  relayed: true,
})

const kinds = (a: Profile, b: Profile, attempt = 0): string[] =>
  plan(a, b, attempt, standing(a, b)).steps.map(({ kind }) => kind)

describe('each pair of NATs gets the steps that can serve it, and a reason for when they fail', () => {
  test.each([
    ['full cone', FULL, 'full cone', FULL, ['punch'], 'probe-timeout'],
    ['full cone', FULL, 'port-restricted', PORT, ['open', 'punch'], 'probe-timeout'],
    ['full cone', FULL, 'symmetric', SYMMETRIC, ['open', 'punch'], 'symmetric'],
    ['address-restricted', ADDRESS, 'symmetric', SYMMETRIC, ['open', 'punch'], 'symmetric'],
    ['address-restricted', ADDRESS, 'port-restricted', PORT, ['open', 'punch'], 'probe-timeout'],
    ['port-restricted', PORT, 'port-restricted', PORT, ['punch'], 'probe-timeout'],
    ['port-restricted', PORT, 'symmetric', SYMMETRIC, TWICE, 'symmetric'],
    ['port-restricted', PORT, 'counting', SEQUENTIAL, ['predict', ...TWICE], 'symmetric'],
    ['port-restricted', PORT, 'preserving', PRESERVING, ['predict', ...TWICE], 'symmetric'],
    ['port-restricted', PORT, 'block', BLOCK, TWICE, 'symmetric'],
    ['port-restricted', PORT, 'random', RANDOM, TWICE, 'symmetric'],
    ['full cone', FULL, 'counting', SEQUENTIAL, ['open', 'punch'], 'symmetric'],
    ['counting', SEQUENTIAL, 'counting', SEQUENTIAL, ['predict'], 'both-symmetric'],
    ['counting', SEQUENTIAL, 'random', RANDOM, ['scatter'], 'both-symmetric'],
    ['counting', SEQUENTIAL, 'small block', OWN, [], 'both-symmetric'],
    ['counting', SEQUENTIAL, 'small block, perhaps overloaded', BLOCK, ['scatter'], 'both-symmetric'],
    ['counting', SEQUENTIAL, 'small overloaded block', SHARED, ['scatter'], 'both-symmetric'],
    ['counting', SEQUENTIAL, 'large block', CHUNK, ['scatter'], 'both-symmetric'],
    ['large block', CHUNK, 'large block', CHUNK, ['scatter'], 'both-symmetric'],
    ['huge block', HUGE, 'huge block', HUGE, [], 'both-symmetric'],
    ['large block', CHUNK, 'random', RANDOM, [], 'both-symmetric'],
    ['preserving', PRESERVING, 'preserving', PRESERVING, [], 'both-symmetric'],
    ['block', OWN, 'block', OWN, [], 'both-symmetric'],
    ['block', OWN, 'overloaded block', SHARED, [], 'both-symmetric'],
    ['block, perhaps overloaded', BLOCK, 'overloaded block', SHARED, ['scatter'], 'both-symmetric'],
    ['overloaded block', SHARED, 'overloaded block', SHARED, ['scatter'], 'both-symmetric'],
    ['symmetric', SYMMETRIC, 'symmetric', SYMMETRIC, [], 'both-symmetric'],
    ['unknown', UNKNOWN, 'unknown', UNKNOWN, ['punch'], 'probe-timeout'],
    ['unknown', UNKNOWN, 'symmetric', SYMMETRIC, ['punch'], 'symmetric'],
  ] as const)('%s (%o) and %s (%o)', (_a, a, _b, b, steps, why) => {
    for (const [one, other] of [
      [behind(a, 1), behind(b, 2)],
      [behind(b, 1), behind(a, 2)],
    ] as const) {
      expect(kinds(one, other)).toEqual(steps)
      expect(plan(one, other, 0).whyNotDirect).toBe(why)
    }
  })
})

test('symmetric on both sides is still punched while the evidence is incomplete', () => {
  const incomplete = behind({ ...SYMMETRIC, ready: false }, 1)
  expect(kinds(incomplete, behind(SYMMETRIC, 2))).toEqual(['punch'])
})

test('behind one NAT the own network comes first, then the public address', () => {
  const [a, b] = [behind(PORT, 1), behind(PORT, 1)]
  const [lan, punch] = plan(a, b, 0).steps
  expect([lan!.kind, punch!.kind]).toEqual(['lan', 'punch'])
  expect(lan!.sides[0].targets.map(({ words }) => formatAddress(words))).toEqual([
    '192.168.1.2:5000',
    '203.0.113.1:40000',
  ])
})

test('of the own network the nearest address is tried first', () => {
  const a = behind(PORT, 1, candidate('host', '10.0.7.1:5000'))
  const b = behind(PORT, 1, candidate('host', '172.17.0.1:5000'), candidate('host', '10.0.7.9:5000'))
  const targets = plan(a, b, 0).steps[0]!.sides[0].targets.map(({ words }) => formatAddress(words))
  expect(targets.slice(0, 3)).toEqual(['10.0.7.9:5000', '192.168.1.2:5000', '172.17.0.1:5000'])
})

test('of hosts with the same dozen bridges the address in the common network is tried first', () => {
  const bridges = Array.from({ length: 12 }, (_, i) => candidate('host', `172.${17 + i}.0.1:5000`))
  const a = behind(PORT, 1, ...bridges, candidate('host', '10.0.7.1:5000'))
  const b = behind(PORT, 1, ...bridges, candidate('host', '10.0.7.9:5000'))
  const [first] = plan(a, b, 0).steps[0]!.sides
  expect(formatAddress(first.targets[0]!.words)).toBe('10.0.7.9:5000')
})

test('two global IPv6 addresses meet without a NAT, even between symmetric ones', () => {
  const a = behind(SYMMETRIC, 1, candidate('host', '[2001:db8:1::2]:5000'))
  const b = behind(SYMMETRIC, 2, candidate('host', '[2001:db8:2::2]:5000'))
  const [step] = plan(a, b, 0).steps
  expect(step!.kind).toBe('ipv6')
  expect(formatAddress(step!.sides[0].targets[0]!.words)).toBe('[2001:db8:2::2]:5000')
  expect(formatAddress(step!.sides[1].targets[0]!.words)).toBe('[2001:db8:1::2]:5000')
})

test('a link-local or private IPv6 address of another network is no target', () => {
  const a = behind(SYMMETRIC, 1, candidate('host', '[fe80::2]:5000'))
  const b = behind(SYMMETRIC, 2, candidate('host', '[fd00::2]:5000'))
  expect(kinds(a, b)).toEqual([])
})

test('a mapped port is sent to by the side that has none', () => {
  const a = behind(SYMMETRIC, 1)
  const b = behind(SYMMETRIC, 2, candidate('mapped', '203.0.113.2:6000'))
  const [step] = plan(a, b, 0).steps
  expect(step!.kind).toBe('mapped')
  expect(step!.sides.map(({ targets }) => targets.length)).toEqual([1, 0])
})

test('in `open` the open side waits and primes, the other sends first', () => {
  const step = (a: Profile, b: Profile) => plan(a, b, 0).steps[0]!
  expect(step(behind(FULL, 1), behind(SYMMETRIC, 2)).sides.map(({ role }) => role)).toEqual([0, 1])
  expect(step(behind(SYMMETRIC, 1), behind(FULL, 2)).sides.map(({ role }) => role)).toEqual([1, 0])
  expect(step(behind(FULL, 1), behind(SYMMETRIC, 2)).sides[0].ttl).toBeGreaterThan(0)
})

test('the first packets go all the way where neither NAT minds an early one, and not where that was of no use', () => {
  const FORGIVING = { ...PORT, forgiving: true }
  const ttls = (a: Partial<Profile>, b: Partial<Profile>, attempt = 0) =>
    plan(behind(a, 1), behind(b, 2), attempt).steps[0]!.sides.map(({ ttl = 0 }) => ttl)
  expect(ttls(FULL, FULL)).toEqual([0, 0])
  expect(ttls(PORT, FULL)).toEqual([0, 4])
  expect(ttls(FORGIVING, FORGIVING)).toEqual([0, 0])
  expect(ttls(FORGIVING, PORT)).toEqual([4, 4])
  expect(ttls(FORGIVING, FORGIVING, 1)).toEqual([7, 7])
})

test('no attempt repeats the punch of an earlier one, until patience is at its end', () => {
  const punches = [...Array(12).keys()].map((attempt) =>
    JSON.stringify(plan(behind(PORT, 1), behind(PORT, 2), attempt).steps.at(-1)),
  )
  expect(new Set(punches).size).toBe(12)
})

test('without priming one side starts late, a different one each time', () => {
  const delays = [2, 5].map((attempt) => {
    const [step] = plan(behind(PORT, 1), behind(PORT, 2), attempt).steps
    expect(step!.sides.map(({ ttl }) => ttl)).toEqual([0, 0])
    return step!.sides.map(({ delayMs }) => delayMs)
  })
  expect(delays).toEqual([
    [0, 1000],
    [1000, 0],
  ])
})

test('what worked before comes first', () => {
  const [a, b] = [behind(FULL, 1), behind(PORT, 2)]
  expect(plan(a, b, 0, { history: 'punch' }).steps.map(({ kind }) => kind)).toEqual(['punch', 'open'])
  expect(plan(a, b, 0, { history: 'scatter' }).steps.map(({ kind }) => kind)).toEqual(['open', 'punch'])
})

test('a side that wants the relay only, or has no UDP, or no address, gets no step and the reason', () => {
  const normal = behind(PORT, 1)
  expect(plan(normal, behind({ ...PORT, paths: 'relay-only' }, 2), 0)).toEqual({
    steps: [],
    whyNotDirect: 'policy',
  })
  expect(plan(behind({ udpBlocked: true }, 2), normal, 0)).toEqual({ steps: [], whyNotDirect: 'udp-blocked' })
  expect(plan(normal, UNKNOWN_PROFILE, 0)).toEqual({ steps: [], whyNotDirect: 'no-candidates' })
})

test('nobody is made to send to more targets than a step may have, however long the lists', () => {
  const many = (host: number) =>
    behind(PORT, host, ...Array.from({ length: 16 }, (_, i) => candidate('host', `10.0.0.${i + 1}:9`)))
  fc.assert(
    fc.property(fc.nat(40), (attempt) => {
      for (const { sides, rounds } of plan(many(1), many(1), attempt).steps) {
        for (const { targets } of sides) expect(targets.length).toBeLessThanOrEqual(MAX_TARGETS)
        expect(rounds).toBeLessThanOrEqual(30)
      }
    }),
  )
})

test('two networks have one name in either order', () => {
  const [a, b] = [behind(PORT, 9), behind(PORT, 2)]
  expect(networkPair(a, b)).toBe('203.0.113.2|203.0.113.9')
  expect(networkPair(b, a)).toBe(networkPair(a, b))
  expect(networkPair(a, UNKNOWN_PROFILE)).toBeUndefined()
})

describe('against a symmetric NAT', () => {
  const easy = behind(PORT, 1)
  const stepOf = (hard: Profile, attempt = 0) => plan(easy, hard, attempt, standing(easy, hard)).steps[0]!

  test('the easy side sends to a window from the measured port on, which grows with each attempt', () => {
    const step = stepOf(behind(SEQUENTIAL, 2))
    expect(step.sides.map(({ role }) => role)).toEqual([0, 1])
    expect(step.sides[0].volley).toMatchObject({ first: 41_000, stride: 2, draws: 32 })
    expect(step.sides[1]).toMatchObject({ sockets: 8, measureSockets: 8 })
    expect(stepOf(behind(SEQUENTIAL, 2), 1).sides[0].volley!.draws).toBe(64)
    expect(stepOf(behind(SEQUENTIAL, 2), 9).sides[0].volley!.draws).toBe(256)
  })

  test('a port that is kept is a window of one', () => {
    expect(stepOf(behind(PRESERVING, 2)).sides[0].volley).toMatchObject({ first: 5001, draws: 1 })
  })

  test('of two that count one shifts its aim, another one each time', () => {
    const [a, b] = [behind(SEQUENTIAL, 1), behind(SEQUENTIAL, 2)]
    const leaps = (attempt: number) =>
      plan(a, b, attempt, standing(a, b)).steps[0]!.sides.map(({ volley }) => volley!.leap > 0)
    expect([leaps(0), leaps(1)]).toEqual([
      [true, false],
      [false, true],
    ])
  })

  test('sockets and probes are sized from the range', () => {
    const block = stepOf(behind(BLOCK, 2)).sides
    expect([block[1].sockets, block[0].volley]).toMatchObject([32, { first: 19_932, count: 637, draws: 637 }])
    const random = stepOf(behind(RANDOM, 2)).sides
    expect([random[1].sockets, random[0].volley]).toMatchObject([255, { count: 64_512, draws: 2048 }])
  })

  test('each attempt draws other ports, and the third is patient', () => {
    const [first, second, third] = [0, 1, 2].map((attempt) => stepOf(behind(RANDOM, 2), attempt).sides[0])
    expect([first, second].map((side) => side!.volley!.skip)).toEqual([0, 2048])
    expect(third!.paceMs).toBeGreaterThan(second!.paceMs!)
  })

  test('a router that lets a hundred new flows a second through keeps little of the second scatter back', () => {
    const hard = behind(RANDOM, 2)
    const paces = (attempt: number) =>
      plan(easy, hard, attempt, standing(easy, hard)).steps.map(({ sides }) =>
        sides.map(({ paceMs }) => 1000 / paceMs!),
      )
    expect([0, 1, 2].map(paces)).toEqual([
      [
        [500, 500],
        [100, 100],
      ],
      [
        [500, 500],
        [100, 100],
      ],
      [[100, 100]],
    ])
  })

  test('one that counts and one with a block meet at ports ahead of the counted one, drawn anew each time', () => {
    const [a, b] = [behind(SEQUENTIAL, 1), behind(CHUNK, 2)]
    const sidesOf = (attempt: number) => plan(a, b, attempt, standing(a, b)).steps[0]!.sides
    const [counting, block] = sidesOf(0)
    expect(counting).toMatchObject({ role: 0, rounds: 2, measureSockets: 4 })
    expect(counting.volley).toMatchObject({ first: 20_000, count: 3801, skip: 0 })
    expect(sidesOf(1)[0].volley!.skip).toBe(counting.volley!.draws)
    expect(block.volley).toMatchObject({ stride: 2, draws: 16 })
    expect(block.volley!.first).toBeGreaterThan(SEQUENTIAL.next)
    expect(block.sockets! * block.volley!.draws).toBeLessThanOrEqual(3801 - 1024)
    expect(block.delayMs).toBeGreaterThan(0)
  })

  test('two overloaded blocks of 500 ports take 1,000 flows of each side, aimed at ports that were seen', () => {
    const [a, b] = [behind(SHARED, 1), behind(SHARED, 2)]
    const [first, second] = [0, 1].map((attempt) => plan(a, b, attempt, standing(a, b)).steps[0]!)
    for (const { sockets, volley } of first!.sides) {
      expect(volley).toMatchObject({ first: 20_000, count: 501 })
      expect(sockets! * volley!.draws).toBeGreaterThan(950)
      expect(sockets! * volley!.draws).toBeLessThanOrEqual(1002)
    }
    const [opens, aims] = first!.sides
    expect([opens.role, aims.role, opens.delayMs, aims.ttl ?? 0]).toEqual([1, 0, 0, 0])
    expect(aims.delayMs).toBeGreaterThan(1900)
    expect(second!.sides.map(({ role }) => role)).toEqual([0, 1])
  })

  test('a block that may be overloaded is measured first, and no other side', () => {
    const [a, b] = [behind(BLOCK, 1), behind(SHARED, 2)]
    const { sides } = plan(a, b, 0, standing(a, b)).steps[0]!
    expect(sides.map(({ measureSockets }) => measureSockets)).toEqual([16, undefined])
  })

  test('scatter needs a relay, consent of both, and a side that the HANDSHAKE has seen where it says it is', () => {
    const hard = behind(RANDOM, 2)
    const kindsWith = (change: Standing, one = easy, other = hard) =>
      plan(one, other, 0, { ...standing(one, other), ...change }).steps.map(({ kind }) => kind)
    expect(kindsWith({})).toEqual(TWICE)
    expect(kindsWith({ relayed: false })).toEqual([])
    expect(kindsWith({}, { ...easy, quiet: true })).toEqual([])
    expect(kindsWith({}, easy, { ...hard, quiet: true })).toEqual([])
    const elsewhere = publicAddresses(behind(RANDOM, 3))[0]
    expect(kindsWith({ seen: [publicAddresses(easy)[0], elsewhere] })).toEqual([])
    expect(kindsWith({ seen: [undefined, undefined] })).toEqual([])
  })

  test('a side primes with as many hops as its own routers are', () => {
    const hard = behind({ ...RANDOM, hops: 3 }, 2)
    expect([0, 1, 2].map((attempt) => stepOf(hard, attempt).sides[1].ttl)).toEqual([3, 4, 0])
    expect(stepOf(behind(RANDOM, 2)).sides[1].ttl).toBe(4)
  })
})
