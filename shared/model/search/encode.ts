/**
 * Encodes values as text in the order of the values. The order is by UTF-8 byte, as DynamoDB sorts keys. So equality,
 * prefixes and ranges are ranges of a sort key.
 *
 *   b0 b1                  false, true
 *   d<16 hex digits>       an instant, in milliseconds, as a number below
 *   n<16 hex digits>       a double (IEEE 754): sign bit flipped when positive, all bits when negative
 *   s<text>                at most 128 code points; the lowest three and the highest two escaped, so that the separator is
 *                          below every text and HIGHEST above
 *
 * A long text is truncated, so one encoding may stand for several values. An index therefore finds candidates, and each
 * candidate has to be evaluated.
 */
import type { Scalar } from '../filter/ast.ts'

/** Separator between a value and an id. It sorts before every character of an encoded value. */
export const SEPARATOR = '\u0001'
/** Sorts after every character of an encoded value or an id. */
export const HIGHEST = '\u{10ffff}'

const TEXT_POINTS = 128
const DATE_TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/

/** Encodes a value. Undefined for null, which is not indexed. */
export function encodeValue(value: Scalar): string | undefined {
  if (value === null) return undefined
  if (typeof value === 'boolean') return value ? 'b1' : 'b0'
  if (typeof value === 'number') return `n${encodeNumber(value)}`
  return `s${encodeText(value)}`
}

/** Encodes a date-time. Undefined if the text is not a date-time of RFC 3339. */
export function encodeInstant(text: string): string | undefined {
  const instant = instantOf(text)
  return instant === undefined ? undefined : `d${encodeNumber(instant)}`
}

/** Epoch milliseconds of a date-time of RFC 3339; undefined if the text is not one. */
export function instantOf(text: string): number | undefined {
  if (!DATE_TIME.test(text)) return undefined
  const instant = Date.parse(text)
  return Number.isNaN(instant) ? undefined : instant
}

/** Compares texts by code point, like the order of UTF-8 bytes. JavaScript's `<` compares UTF-16 code units. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = weightAt(a, i) - weightAt(b, i)
    if (difference !== 0) return Math.sign(difference)
  }
  return Math.sign(a.length - b.length)
}

/** Weight of a UTF-16 code unit. Surrogates are above all others, because they encode the highest code points. */
function weightAt(text: string, i: number): number {
  const unit = text.charCodeAt(i)
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit
}

function encodeText(text: string): string {
  const points = Array.from(text.length > TEXT_POINTS * 2 ? text.slice(0, TEXT_POINTS * 2) : text)
  return points.slice(0, TEXT_POINTS).map(escaped).join('').toWellFormed()
}

/**
 * Escapes a code point. Each of the two highest becomes two code points, the first being the lower of the two, which keeps
 * order and prefixes. Each of the three lowest becomes U+0002 and another one.
 */
function escaped(point: string): string {
  if (point <= '\u0002') return `\u0002${String.fromCharCode(3 + point.charCodeAt(0))}`
  if (point.codePointAt(0)! < 0x10fffe) return point
  return point === HIGHEST ? '\u{10fffe}\u0004' : '\u{10fffe}\u0003'
}

function encodeNumber(value: number): string {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value === 0 ? 0 : value)
  const bits = view.getBigUint64(0)
  const sortable = bits >> 63n === 1n ? ~bits & 0xffff_ffff_ffff_ffffn : bits | (1n << 63n)
  return sortable.toString(16).padStart(16, '0')
}
