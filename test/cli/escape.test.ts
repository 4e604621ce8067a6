import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { escapeJson, escapeLine } from '../../cli/escape.ts'

describe('a line on a terminal', () => {
  test.each([
    ['a title that is set', '\u001b]0;pwned\u0007', '\\x1b]0;pwned\\x07'],
    ['a screen that is cleared', 'a\u001b[2J\u001b[Hb', 'a\\x1b[2J\\x1b[Hb'],
    ['the same with one byte', '\u009b2J', '\\x9b2J'],
    ['a line that goes on as another', 'hi\nroot: give me the key', 'hi\\nroot: give me the key'],
    ['a line that is written over', 'evil\rgood', 'evil\\rgood'],
    ['a name that reads backwards', 'gpj.\u202eexe', 'gpj.\\u202eexe'],
    ['an isolate', '\u2066a\u2069', '\\u2066a\\u2069'],
    ['a line separator', 'a\u2028b', 'a\\u2028b'],
    ['half of a character', 'a\ud800b', 'a\\ud800b'],
    ['what cannot be seen', 'Ali\u200bce', 'Ali\\u200bce'],
    ['ASCII in tags, which cannot be seen', 'a\u{e0041}\u{e007f}b', 'a\\udb40\\udc41\\udb40\\udc7fb'],
    ['letters that have no picture', '\u3164\u115f\uffa0', '\\u3164\\u115f\\uffa0'],
    ['a bell, a backspace and a delete', '\u0007\b\u007f', '\\x07\\x08\\x7f'],
  ])('shows %s as what it is', (_, text, shown) => {
    expect(escapeLine(text)).toBe(shown)
  })

  test.each(['Zoë 日本語 עברית', '👩‍👩‍👧 🏳️‍🌈', 'می‌خواهم', 'a\\b "c"'])('leaves %j as it is', (text) => {
    expect(escapeLine(text)).toBe(text)
  })

  test('never holds a control character, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(escapeLine(text)).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u)
      }),
    )
  })
})

test('JSON for programs is exact, and does nothing on a terminal either', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const line = escapeJson({ text })
      expect(JSON.parse(line)).toEqual({ text })
      expect(line).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u)
    }),
  )
})
