/** The checker finds each kind of fault that is planted into a history, and nothing in one without a fault. */
import { expect, test } from 'vitest'
import { judge } from './check/verdict.ts'
import { VIOLATIONS, type ViolationKind } from './check/violation.ts'
import type { Entry } from './history.ts'
import type { Happening } from './recorder.ts'

/** Two peers of two users in one network. They exchange messages; p1 leaves, gets a stored one, and returns. */
const SOUND: readonly [at: number, entry: Happening][] = [
  [0, { kind: 'joined', peer: 'p0', user: 'u0', run: 1 }],
  [0, { kind: 'said', peer: 'p0', status: 'online', custom: '' }],
  [1, { kind: 'joined', peer: 'p1', user: 'u1', run: 1 }],
  [1, { kind: 'said', peer: 'p1', status: 'online', custom: '' }],
  [10, { kind: 'chaos', round: 0 }],
  [11, { kind: 'fault', act: { kind: 'kill-node', node: 1 } }],
  [12, { kind: 'fault', act: { kind: 'pause-node', node: 0, ms: 500 } }],
  [13, { kind: 'fault', act: { kind: 'rebind', group: 0 } }],
  [14, { kind: 'starved', ms: 700 }],
  [20, { kind: 'sent', id: 'p0.1', from: 'p0', to: 'p1', run: 1 }],
  [21, { kind: 'sent', id: 'p0.2', from: 'p0', to: 'p1', run: 1 }],
  [30, { kind: 'received', id: 'p0.1', by: 'p1' }],
  [31, { kind: 'settled', id: 'p0.1', outcome: 'delivered' }],
  [32, { kind: 'received', id: 'p0.2', by: 'p1' }],
  [33, { kind: 'settled', id: 'p0.2', outcome: 'delivered' }],
  [40, { kind: 'left', peer: 'p1', run: 1 }],
  [50, { kind: 'sent', id: 'p0.3', from: 'p0', to: 'p1', run: 1 }],
  [60, { kind: 'settled', id: 'p0.3', outcome: 'stored' }],
  [70, { kind: 'writes', key: 'object/o1', value: '3' }],
  [71, { kind: 'writes', key: 'member/n0/u1', value: 'yes' }],
  [80, { kind: 'wrote', key: 'object/o1', value: '3' }],
  [81, { kind: 'wrote', key: 'member/n0/u1', value: 'yes' }],
  [90, { kind: 'joined', peer: 'p1', user: 'u1', run: 2 }],
  [91, { kind: 'received', id: 'p0.3', by: 'p1' }],
  [100, { kind: 'quiet', round: 0 }],
  [110, { kind: 'said', peer: 'p0', status: 'busy', custom: 'r0' }],
  [110, { kind: 'said', peer: 'p1', status: 'away', custom: 'r0' }],
  [10_200, { kind: 'sees', peer: 'p0', round: 0, phase: 'all', others: { p1: 'away r0' }, networks: [] }],
  [10_200, { kind: 'sees', peer: 'p1', round: 0, phase: 'all', others: { p0: 'busy r0' }, networks: ['n0'] }],
  [10_210, { kind: 'found', peer: 'p0', round: 0, peers: ['p1'] }],
  [10_300, { kind: 'read', prefix: 'object/', values: { 'object/o1': '3' } }],
  [10_300, { kind: 'read', prefix: 'member/n0/', values: { 'member/n0/u1': 'yes' } }],
  [10_400, { kind: 'ended' }],
]

type Change = (entry: Entry) => Entry | readonly Entry[] | undefined

/** The sound history with some entries changed, removed (undefined) or followed by others. */
function history(change: Change = (entry) => entry): Entry[] {
  const entries = SOUND.map(([at, entry]) => ({ at, ...entry }) as Entry)
  return entries.flatMap((entry) => change(entry) ?? []).sort((a, b) => a.at - b.at)
}

const isOf = (entry: Entry, kind: Entry['kind'], id?: string): boolean =>
  entry.kind === kind && (id === undefined || ('id' in entry && entry.id === id))

test('a history without a fault passes, with its figures', () => {
  const verdict = judge(history())
  expect(verdict).toMatchObject({ ok: true, sent: 3, acknowledged: 3, received: 3, violations: [] })
  expect(verdict).toMatchObject({ outcomes: { delivered: 2, stored: 1 }, kills: 1, pauses: 1, faults: 1 })
  expect(verdict).toMatchObject({ looks: 2, reads: 2, rounds: 1, starvedMs: 700 })
})

const PLANTED: readonly [what: string, kind: ViolationKind, change: Change][] = [
  ['a delivered message that never arrives', 'lost', (e) => (isOf(e, 'received', 'p0.2') ? undefined : e)],
  ['a stored message that never arrives', 'lost', (e) => (isOf(e, 'received', 'p0.3') ? undefined : e)],
  [
    'a message that arrives twice',
    'duplicated',
    (e) => (isOf(e, 'received', 'p0.1') ? [e, { ...e, at: 35 }] : e),
  ],
  [
    'a message that arrives again in a later run of its recipient',
    'duplicated',
    (e) => (isOf(e, 'received', 'p0.2') ? [e, { ...e, at: 95 }] : e),
  ],
  [
    'a message that was given up and arrives after its successor',
    'reordered',
    (e) =>
      isOf(e, 'received', 'p0.1')
        ? { ...e, at: 32.5 }
        : isOf(e, 'settled', 'p0.1')
          ? { ...e, outcome: 'timeout' }
          : e,
  ],
  [
    'a message that arrives after its successor',
    'reordered',
    (e) => (isOf(e, 'received', 'p0.1') ? { ...e, at: 32.5 } : e),
  ],
  [
    'a stored message that arrives after one of a later run of its sender',
    'reordered',
    (e) =>
      isOf(e, 'received', 'p0.3')
        ? [
            { at: 85, kind: 'left', peer: 'p0', run: 1 },
            { at: 86, kind: 'joined', peer: 'p0', user: 'u0', run: 2 },
            { at: 92, kind: 'sent', id: 'p0.4', from: 'p0', to: 'p1', run: 2 },
            { at: 93, kind: 'received', id: 'p0.4', by: 'p1' },
            { at: 94, kind: 'settled', id: 'p0.4', outcome: 'delivered' },
            { ...e, at: 95 },
          ]
        : e,
  ],
  [
    'a refused message that arrives',
    'refusedDelivered',
    (e) => (e.kind === 'settled' && e.id === 'p0.3' ? { ...e, outcome: 'mailbox-full' } : e),
  ],
  ['a message without an outcome', 'unsettled', (e) => (isOf(e, 'settled', 'p0.1') ? undefined : e)],
  [
    'a message at a peer that it was not sent to',
    'invented',
    (e) => (isOf(e, 'received', 'p0.2') ? [e, { at: 34, kind: 'received', id: 'p0.2', by: 'p0' }] : e),
  ],
  [
    'a message of a blocked user',
    'blockedDelivered',
    (e) =>
      e.kind === 'ended'
        ? [
            { at: 10_301, kind: 'writes', key: 'block/u1/u0', value: 'yes' },
            { at: 10_302, kind: 'wrote', key: 'block/u1/u0', value: 'yes' },
            { at: 12_500, kind: 'sent', id: 'p0.9', from: 'p0', to: 'p1', run: 1 },
            { at: 12_600, kind: 'settled', id: 'p0.9', outcome: 'stored' },
            { at: 12_700, kind: 'received', id: 'p0.9', by: 'p1' },
            { ...e, at: 13_000 },
          ]
        : e,
  ],
  [
    'a status that others do not see',
    'presenceWrong',
    (e) => (e.kind === 'sees' && e.peer === 'p0' ? { ...e, others: { p1: 'online ' } } : e),
  ],
  [
    'a peer that others do not see at all',
    'presenceWrong',
    (e) => (e.kind === 'sees' && e.peer === 'p1' ? { ...e, others: {} } : e),
  ],
  [
    'a peer that left, and is seen',
    'presenceWrong',
    (e) =>
      e.kind === 'read' && e.prefix === 'object/'
        ? [
            e,
            { at: 10_350, kind: 'left', peer: 'p1', run: 2 },
            {
              at: 20_360,
              kind: 'sees',
              peer: 'p0',
              round: 0,
              phase: 'left',
              others: { p1: 'away r0' },
              networks: [],
            },
            { at: 20_370, kind: 'joined', peer: 'p1', user: 'u1', run: 3 },
          ]
        : e.kind === 'ended'
          ? { ...e, at: 20_400 }
          : e,
  ],
  ['a search that misses a peer', 'indexWrong', (e) => (e.kind === 'found' ? { ...e, peers: [] } : e)],
  [
    'a search that shows an old value',
    'indexWrong',
    (e) => (e.kind === 'read' && e.prefix === 'object/' ? { ...e, values: { 'object/o1': '2' } } : e),
  ],
  [
    'a listing without a member',
    'membershipsWrong',
    (e) => (e.kind === 'read' && e.prefix === 'member/n0/' ? { ...e, values: {} } : e),
  ],
  [
    'a peer that does not know its network',
    'membershipsWrong',
    (e) => (e.kind === 'sees' && e.peer === 'p1' ? { ...e, networks: [] } : e),
  ],
  [
    'a peer that could not return',
    'stuck',
    (e) => (e.kind === 'ended' ? [{ at: 10_399, kind: 'left', peer: 'p0', run: 1 }, e] : e),
  ],
]

test.each(PLANTED)('finds %s', (_, kind, change) => {
  const verdict = judge(history(change))
  expect(verdict.violations.map((each) => each.kind)).toEqual([kind])
  expect(verdict.ok).toBe(false)
  expect(verdict[kind]).toBe(1)
})

test('every kind of violation is planted', () => {
  expect(new Set(PLANTED.map(([, kind]) => kind))).toEqual(new Set(VIOLATIONS))
})

test('ten seconds are counted without the times for which the machine did other things', () => {
  const stale: Change = (e) =>
    e.kind === 'sees' && e.peer === 'p0' ? { ...e, others: { p1: 'online ' } } : e
  const busy = (at: number, ms: number) =>
    history((e) => [stale(e) as Entry, ...(isOf(e, 'quiet') ? [starved(at, ms)] : [])])
  expect(judge(busy(5_000, 300)).presenceWrong).toBe(1)
  expect(judge(busy(5_000, 2_000)).presenceWrong).toBe(0)
  // Events before the last change count in full.
  expect(judge(busy(111, 80)).presenceWrong).toBe(1)
})

const starved = (at: number, ms: number): Entry => ({ at, kind: 'starved', ms })

test('what is allowed passes: a late message after a time-out, a write of just now, a discarded message of a blocked user', () => {
  const late = history((e) => (e.kind === 'settled' && e.id === 'p0.2' ? { ...e, outcome: 'timeout' } : e))
  expect(judge(late).violations).toEqual([])
  const restarted = history((e) =>
    isOf(e, 'received', 'p0.1')
      ? { ...e, at: 90.5 }
      : isOf(e, 'settled', 'p0.1')
        ? { ...e, at: 39, outcome: 'timeout' }
        : e,
  )
  expect(judge(restarted).violations).toEqual([])
  const now = history((e) =>
    isOf(e, 'quiet')
      ? [
          e,
          { at: 9_000, kind: 'writes', key: 'object/o1', value: '4' },
          { at: 9_001, kind: 'wrote', key: 'object/o1', value: '4' },
        ]
      : e,
  )
  expect(judge(now).violations).toEqual([])
  const discarded = history((e) =>
    isOf(e, 'received', 'p0.3')
      ? undefined
      : e.kind === 'left'
        ? [e, { at: 45, kind: 'writes', key: 'block/u1/u0', value: 'yes' }]
        : e,
  )
  expect(judge(discarded).violations).toEqual([])
})
