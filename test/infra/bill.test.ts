import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { alternatives, bill, total } from '../../infra/bill.ts'
import { TYPICAL } from '../../infra/load.ts'

const of = (changes: Partial<typeof TYPICAL>) => bill({ ...TYPICAL, ...changes })
const line = (lines: ReturnType<typeof bill>, what: RegExp) =>
  lines.find((each) => what.test(each.what))!.dollars

test('nobody costs what stands: a pair of nodes, a relay, what watches them', () => {
  const lines = of({ peers: 0 })
  expect(lines.map(({ what }) => what)).toContain('2 nodes t4g.small')
  expect(total(lines)).toBeGreaterThan(80)
  expect(total(lines)).toBeLessThan(150)
})

test('what is relayed costs in proportion to its share, what is direct nothing', () => {
  const [none, some, twice] = [0, 0.03, 0.06].map((relayShare) => line(of({ relayShare }), /GB relayed/))
  expect(none).toBe(0)
  expect(twice! / some!).toBeCloseTo(2, 1)
})

test('egress is paid in tiers: the first 10 TB at 0.09 dollars', () => {
  const lines = of({ peers: 1000, tunnelsPerDay: 1, megabytesPerTunnel: 1000, relayShare: 0.1 })
  expect(line(lines, /GB relayed/)).toBeCloseTo(1000 * (730 / 24) * 0.1 * 0.09, -1)
})

test('connections and messages cost a million peers less than half of what others take for them', () => {
  const lines = of({ peers: 1_000_000, relayShare: 0 })
  const without = lines.filter(({ service }) => service !== 'WAF')
  const [iot, websocket] = alternatives({ ...TYPICAL, peers: 1_000_000 })
  expect(total(without)).toBeLessThan(iot!.dollars)
  expect(total(without)).toBeLessThan(websocket!.dollars / 2)
})

test('a million peers cost at most 1,500 dollars if nothing is relayed', () => {
  expect(total(of({ peers: 1_000_000, relayShare: 0, messagesPerDay: 50 }))).toBeLessThan(1_500)
})

test('a change in one network over 200 nodes is a post for each node and batch, not for each change', () => {
  const load = { peers: 1_000_000, peersPerNode: 5_025, networkSize: 1_000_000 }
  const posts = line(of(load), /pushes/)
  expect(posts).toBeCloseTo((200 * 4 * 730 * 3600) / 1e6, -2)
  expect(line(of({ ...load, transitionsPerDay: 20 }), /pushes/)).toBeCloseTo(posts, 0)
})

test('a second region costs its machines once more, what is written twice, and little else', () => {
  const [one, two] = [of({}), of({ regions: 2 })]
  expect(two.map(({ what }) => what)).toEqual(
    expect.arrayContaining(['4 nodes t4g.small', '2 relays c7gn.medium']),
  )
  expect(two.map(({ what }) => what).filter((what) => !one.some((line) => line.what === what))).toHaveLength(
    6,
  )
  const idle = total(of({ peers: 0, regions: 2 })) - total(of({ peers: 0 }))
  expect(idle).toBeGreaterThan(70)
  expect(idle).toBeLessThan(120)
})

test('the command takes every number as an option, and says what is wrong with one', () => {
  const command = join(import.meta.dirname, '../../infra/cost.ts')
  const run = (...options: string[]) =>
    execFileSync(process.execPath, [command, ...options], { encoding: 'utf8', stdio: 'pipe' })
  const answer = JSON.parse(run('--peers', '5', '--relay-instance', 'c6gn.medium', '--json'))
  expect(answer.load).toMatchObject({ peers: 5, relayInstance: 'c6gn.medium' })
  expect(() => run('--peers', 'many')).toThrow('--peers: many is no number')
  expect(() => run('--regions', '3')).toThrow('--regions: a system has 1 or 2')
  expect(JSON.parse(run('--regions', '2', '--json')).load).toMatchObject({ regions: 2 })
})
