import { expect, it } from 'vitest'
import { cellOf, pairsOf, parsePairs } from './matrix.ts'
import { pictureOf } from './matrix-picture.ts'
import { type KindName, NAT_KINDS } from './nat-kinds.ts'

const named = (pairs: readonly (readonly string[])[]) => pairs.map((pair) => pair.join(':'))

it('puts each kind of the core against each, in both roles', () => {
  const pairs = named(pairsOf('core'))
  expect(new Set(pairs).size).toBe(12 * 12)
  expect(pairs).toContain('port-restricted:symmetric-random')
  expect(pairs).toContain('symmetric-random:port-restricted')
})

it('has every kind in one of the two matrices', () => {
  const tried = new Set([...pairsOf('core'), ...pairsOf('rest')].flat())
  expect([...tried].toSorted()).toEqual((Object.keys(NAT_KINDS) as KindName[]).toSorted())
})

it('puts a household against itself only', () => {
  const rest = named(pairsOf('rest'))
  expect(rest.filter((pair) => pair.includes('same-nat:'))).toEqual(['same-nat:same-nat'])
  expect(() => parsePairs('same-nat:open')).toThrow('behind one router')
})

it('takes pairs as they are written, and says what is wrong with them', () => {
  expect(named(parsePairs('open:upnp,pcp:open'))).toEqual(['open:upnp', 'pcp:open'])
  expect(() => parsePairs('open')).toThrow('not a pair')
  expect(() => parsePairs('open:closed')).toThrow('no kind closed')
})

it('says of a pair how many runs were direct, how soon, and why the others were not', () => {
  const direct = (directMs: number) =>
    ({ path: 'direct', firstByteMs: 10, directMs, technique: 'punch', packets: 4 }) as const
  const relayed = { path: 'relayed', firstByteMs: 30, whyNotDirect: 'symmetric', packets: 20 } as const
  const runs = [direct(90), direct(60), direct(70), relayed, { error: 'not-online' }]
  expect(cellOf(['open', 'upnp'], runs)).toEqual({
    a: 'open',
    b: 'upnp',
    runs: 5,
    direct: 3,
    relayed: 1,
    failed: 1,
    firstByteMs: { p50: 10, p95: 30 },
    directMs: { p50: 70, p95: 90 },
    packets: 8,
    technique: 'punch',
    why: 'symmetric',
  })
})

it('draws a cell for each pair', () => {
  const cells = pairsOf('core').map((pair) => cellOf(pair, [{ path: 'relayed' }]))
  expect(pictureOf(cells).match(/<title>\w/g)).toHaveLength(1 + cells.length)
})
