import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ADDRESS_WORDS, addressOf, formatAddress } from '../../shared/wire/address.ts'
import { AddressTable } from '../../shared/wire/address-table.ts'
import { keyedHash } from '../../shared/wire/keyed-hash.ts'

const KEY = { low: 0x03020100, high: 0x07060504 }
const at = (n: number) => addressOf(`10.0.${n >> 8}.${n & 255}`, 3478)!.words

test('the hash is HalfSipHash-2-4 of the reference vectors', () => {
  const words = Uint32Array.of(0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c, 0x13121110)
  const hex = (count: number) => keyedHash(words, 0, count, KEY).toString(16).padStart(8, '0')
  expect([0, 1, 2, 4, 5].map(hex)).toEqual(['5b9f35a9', '89466e2a', '8f84b8d0', '84acb5d9', '45104de3'])
})

test('an address that was never set is not there', () => {
  const table = new AddressTable(KEY)
  expect([table.get(at(1)), table.delete(at(1)), table.size]).toEqual([-1, false, 0])
})

test('any value of 32 bits comes back, zero and the greatest as well', () => {
  const table = new AddressTable(KEY)
  for (const value of [0, 1, 0xffffffff]) {
    table.set(at(1), 0, value)
    expect(table.get(at(1))).toBe(value)
  }
  expect(table.size).toBe(1)
})

test('an address is read where it lies, in the middle of other words', () => {
  const words = Uint32Array.of(9, 9, ...at(7), 9)
  const table = new AddressTable(KEY)
  table.set(words, 2, 7)
  expect([table.get(at(7)), table.get(words, 2), table.get(words, 1)]).toEqual([7, 7, -1])
})

const step = fc.record({
  kind: fc.constantFrom('set', 'set', 'get', 'delete'),
  /** Few addresses, so that they repeat; they differ in every word. */
  which: fc.nat({ max: 40 }),
  value: fc.nat({ max: 0xffffffff }),
})

function variant(which: number): Uint32Array {
  const words = new Uint32Array(ADDRESS_WORDS)
  words[which % ADDRESS_WORDS] = 1 + which
  return words
}

test('whatever is done to it, it holds what a Map would hold', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), fc.nat(), fc.nat(), (steps, low, high) => {
      const table = new AddressTable({ low, high }, 1)
      const model = new Map<string, number>()
      for (const { kind, which, value } of steps) {
        const words = variant(which)
        const name = formatAddress(words)
        if (kind === 'set') {
          table.set(words, 0, value)
          model.set(name, value)
        } else if (kind === 'delete') expect(table.delete(words)).toBe(model.delete(name))
        expect(table.get(words)).toBe(model.get(name) ?? -1)
        expect(table.size).toBe(model.size)
      }
      for (let which = 0; which <= 40; which++) {
        expect(table.get(variant(which))).toBe(model.get(formatAddress(variant(which))) ?? -1)
      }
    }),
  )
})

test('it grows, keeps every entry, and gives every place back', () => {
  const table = new AddressTable(KEY)
  for (let n = 0; n < 20_000; n++) table.set(at(n), 0, n)
  for (let n = 0; n < 20_000; n += 2) expect(table.delete(at(n))).toBe(true)
  for (let n = 0; n < 20_000; n++) expect(table.get(at(n))).toBe(n % 2 === 0 ? -1 : n)
  expect(table.size).toBe(10_000)
  table.clear()
  expect([table.size, table.get(at(1))]).toEqual([0, -1])
})

test('another key puts the same addresses elsewhere', () => {
  const hashes = (low: number) =>
    [...Array(64).keys()].map((n) => keyedHash(at(n), 0, 5, { low, high: 1 }) & 63)
  expect(hashes(1)).not.toEqual(hashes(2))
})
