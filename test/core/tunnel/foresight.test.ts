import { describe, expect, test } from 'vitest'
import { foresee, reply } from '../../../shared/core/tunnel/foresight.ts'
import type { NatClass } from '../../../shared/core/tunnel/nat-class.ts'
import { addressOf, NOWHERE } from '../../../shared/wire/address.ts'

const PORT = 40_000
const THERE = addressOf('203.0.113.1', 50_000)!
const FORGIVING: NatClass = {
  mapping: 'independent',
  filtering: 'addressAndPort',
  allocation: 'preserving',
  forgiving: true,
  hairpin: false,
  hops: 3,
}
const MINDING: NatClass = { ...FORGIVING, forgiving: false }
const LOST: NatClass = { ...MINDING, hops: 0 }

describe('an offer tells its port', () => {
  test.each([
    ['where the NAT is not known', undefined, 0],
    ['where the NAT gives others', { ...FORGIVING, allocation: 'random' }, 0],
    ['where the NAT gives one for each destination', { ...FORGIVING, mapping: 'addressAndPort' }, 0],
    ['where the NAT keeps it', FORGIVING, PORT],
    ['where it minds early packets', MINDING, PORT],
  ] as const)('%s: %j', (_name, nat, port) => {
    expect(foresee(nat, PORT).port).toBe(port)
  })

  test.each([
    ['forgives', FORGIVING, true],
    ['lets everything in', { ...MINDING, filtering: 'independent' }, true],
    ['minds', MINDING, false],
  ] as const)('and whether it %s early packets', (_name, nat, forgiving) => {
    expect(foresee(nat, PORT).forgiving).toBe(forgiving)
  })
})

describe('an answer tells its port, and opens the NAT first', () => {
  test.each([
    ['unknown', undefined, NOWHERE, false, 0, undefined],
    ['unknown', undefined, THERE, true, 0, undefined],
    ['forgives', FORGIVING, NOWHERE, false, PORT, undefined],
    ['forgives', FORGIVING, THERE, true, PORT, undefined],
    ['forgives', FORGIVING, THERE, false, PORT, 3],
    ['forgives, no hops known', { ...FORGIVING, hops: 0 }, THERE, false, PORT, undefined],
    ['minds', MINDING, NOWHERE, false, 0, undefined],
    ['minds', MINDING, THERE, true, PORT, 0],
    ['minds', MINDING, THERE, false, PORT, 3],
    ['minds, no hops known', LOST, THERE, true, PORT, 0],
    ['minds, no hops known', LOST, THERE, false, 0, undefined],
  ] as const)('%s', (_name, nat, expected, isOtherForgiving, port, openingTtl) => {
    const told = reply(nat, PORT, expected, isOtherForgiving)
    expect([told.port, told.openingTtl]).toEqual([port, openingTtl])
  })
})
