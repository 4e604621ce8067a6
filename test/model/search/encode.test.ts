import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  compareText,
  encodeInstant,
  encodeValue,
  instantOf,
  SEPARATOR,
} from '../../../shared/model/search/encode.ts'

const bytewise = (a: string, b: string) => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)))
const texts = fc.string({ unit: 'binary', maxLength: 40 })

test('the order of encoded numbers is the order of the numbers', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (a, b) => {
      expect(bytewise(encodeValue(a)!, encodeValue(b)!)).toBe(
        a === b ? 0 : Math.sign(a - b) || (a < b ? -1 : 1),
      )
    }),
  )
})

test('the order of encoded texts is their order by code point', () => {
  fc.assert(
    fc.property(texts, texts, (a, b) => {
      expect(bytewise(encodeValue(a)!, encodeValue(b)!)).toBe(compareText(a, b))
    }),
  )
})

test('a text is found between itself and the separator, and by every prefix of it', () => {
  fc.assert(
    fc.property(texts, texts, (a, b) => {
      expect(encodeValue(a + b)!.startsWith(encodeValue(a)!)).toBe(true)
      expect(encodeValue(a)!.includes(SEPARATOR)).toBe(false)
    }),
  )
})

test('texts are cut after 128 code points, never within one', () => {
  expect(encodeValue('\u{1f600}'.repeat(200))).toBe(`s${'\u{1f600}'.repeat(128)}`)
  expect(encodeValue(`a${'\u{1f600}'.repeat(200)}`)).toBe(`sa${'\u{1f600}'.repeat(127)}`)
})

test('booleans, instants and nothing', () => {
  expect(encodeValue(false)! < encodeValue(true)!).toBe(true)
  expect(encodeValue(null)).toBeUndefined()
  expect(encodeValue(-0)).toBe(encodeValue(0))
  expect(encodeInstant('2026-01-02T03:04:05Z')).toBe(encodeInstant('2026-01-02T04:04:05+01:00'))
  expect(encodeInstant('2026-01-02')).toBeUndefined()
  expect(instantOf('2026-13-02T03:04:05Z')).toBeUndefined()
  expect(instantOf('1970-01-01T00:00:01.5Z')).toBe(1500)
})
