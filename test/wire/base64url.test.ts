import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromBase64url, toBase64url } from '../../shared/wire/base64url.ts'

test('is what Node writes, and reads back as the same bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const text = toBase64url(bytes)
      expect(text).toBe(Buffer.from(bytes).toString('base64url'))
      expect(fromBase64url(text)).toEqual(bytes)
    }),
  )
})

test('every text is refused, or is the one form of its bytes', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), (text) => {
      const bytes = fromBase64url(text)
      if (bytes !== undefined) expect(toBase64url(bytes)).toBe(text)
    }),
  )
})

test.each(['A', 'AA==', 'AB', 'AAB', 'A+A', 'A/A', 'A A', 'AAAA=', 'é'])('%s is refused', (text) => {
  expect(fromBase64url(text)).toBeUndefined()
})
