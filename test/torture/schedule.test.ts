import { expect, test } from 'vitest'
import { type Act, drawSchedule, peersOf, type Schedule, usersOf } from './schedule.ts'
import { shrink, without } from './shrink.ts'

const SIZE = { minutes: 10, seed: 7, nodes: 3, groups: 4, peersPerGroup: 6, rate: 100 }
const drawn = drawSchedule(SIZE)
const actsOf = (schedule: Schedule): Act[] => schedule.rounds.flatMap(({ acts }) => acts)

test('one seed gives one schedule, another seed another one', () => {
  expect(drawSchedule(SIZE)).toEqual(drawn)
  expect(drawSchedule({ ...SIZE, seed: 8 })).not.toEqual(drawn)
  expect(JSON.parse(JSON.stringify(drawn))).toEqual(drawn)
})

test('ten minutes have at least forty kills, and every kind of fault', () => {
  const kinds = actsOf(drawn).map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind === 'kill-node').length).toBeGreaterThanOrEqual(40)
  expect(new Set(kinds)).toEqual(
    new Set<Act['kind']>([
      ...(['kill-node', 'pause-node', 'pause-peers', 'drop-gateway', 'stall-gateway', 'tables'] as const),
      ...(['part-nodes', 'part-peers', 'lose-datagrams', 'rebind', 'clock-node', 'clock-peers'] as const),
      ...(['restart-peer', 'member', 'object'] as const),
    ]),
  )
})

test('every fault is over before the quiet time, and names what is there', () => {
  for (const { acts, chaosMs, leavers, block } of drawn.rounds) {
    for (const act of acts) expect(act.at + ('ms' in act ? act.ms : 0)).toBeLessThanOrEqual(chaosMs)
    expect(acts.map(({ at }) => at)).toEqual(acts.map(({ at }) => at).sort((a, b) => a - b))
    for (const act of acts) if ('node' in act) expect(act.node).toBeLessThan(SIZE.nodes)
    for (const act of acts) if (act.kind === 'part-nodes') expect(act.other).not.toBe(act.node)
    for (const peer of leavers) expect(peer).toBeLessThan(peersOf(drawn))
    expect(block!.user).not.toBe(block!.blocked)
    expect(block!.blocked).toBeLessThan(usersOf(drawn))
  }
})

test('a schedule that fails because of two acts shrinks to these', async () => {
  const [first, second] = drawn.rounds[3]!.acts.filter(({ kind }) => kind !== 'object')
  const isNeeded = (act: Act) => [first, second].some((each) => JSON.stringify(each) === JSON.stringify(act))
  let played = 0
  const smallest = await shrink(drawn, 3, {
    async fails(schedule) {
      played++
      return actsOf(schedule).filter(isNeeded).length === 2
    },
    mayGoOn: () => true,
    log: () => {},
  })
  expect(smallest.rounds.length).toBeLessThanOrEqual(2)
  expect(actsOf(smallest).filter(isNeeded)).toEqual([first, second])
  expect(actsOf(smallest).length).toBeLessThan(8)
  expect(peersOf(smallest)).toBeLessThan(peersOf(drawn))
  expect(played).toBeLessThan(100)
})

test('shrinking ends when its time is over, with what was seen to fail', async () => {
  let left = 2
  const smallest = await shrink(drawn, 3, {
    fails: async () => true,
    mayGoOn: () => left-- > 0,
    log: () => {},
  })
  expect(actsOf(smallest).length).toBeLessThan(actsOf(drawn).length)
  expect(smallest.rounds.length).toBe(2)
})

test('without some acts, the others stay where they are', () => {
  const less = without(drawn, ({ kind }) => kind === 'kill-node')
  expect(actsOf(less)).toEqual(actsOf(drawn).filter(({ kind }) => kind !== 'kill-node'))
})
