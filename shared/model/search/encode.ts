/**
 * Values as text whose order (by UTF-8 byte, as DynamoDB sorts keys) is the order of the values, so that equality,
 * prefixes and ranges are ranges of a sort key.
 *
 *   b0 b1                  false, true
 *   d<16 hex digits>       an instant, in milliseconds, as a number below
 *   n<16 hex digits>       a double (IEEE 754): sign bit flipped when positive, all bits when negative
 *   s<text>                at most 128 code points; the lowest three and the highest two escaped, so that the separator is
 *                          below every text and HIGHEST above
 *
 * A text is cut, so an encoding may stand for several values: what an index finds is a candidate, never an answer.
 */
import type { Scalar } from '../filter/ast.ts'

/** Stands between a value and an id; lower than anything in an encoded value. */
export const SEPARATOR = '\u0001'
/** Higher than anything in an encoded value or an id. */
export const HIGHEST = '\u{10ffff}'

const TEXT_POINTS = 128
const DATE_TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/

/** Undefined for null, which is not indexed. */
export function encodeValue(value: Scalar): string | undefined {
  if (value === null) return undefined
  if (typeof value === 'boolean') return value ? 'b1' : 'b0'
  if (typeof value === 'number') return `n${encodeNumber(value)}`
  return `s${encodeText(value)}`
}

/** Undefined where the text is no date-time of RFC 3339. */
export function encodeInstant(text: string): string | undefined {
  const instant = instantOf(text)
  return instant === undefined ? undefined : `d${encodeNumber(instant)}`
}

/** Epoch milliseconds of a date-time of RFC 3339. */
export function instantOf(text: string): number | undefined {
  if (!DATE_TIME.test(text)) return undefined
  const instant = Date.parse(text)
  return Number.isNaN(instant) ? undefined : instant
}

/** By code point, as UTF-8 sorts; `<` of JavaScript sorts by UTF-16 unit. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = weightAt(a, i) - weightAt(b, i)
    if (difference !== 0) return Math.sign(difference)
  }
  return Math.sign(a.length - b.length)
}

/** Surrogates stand for the code points above every other unit. */
function weightAt(text: string, i: number): number {
  const unit = text.charCodeAt(i)
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit
}

function encodeText(text: string): string {
  const points = Array.from(text.length > TEXT_POINTS * 2 ? text.slice(0, TEXT_POINTS * 2) : text)
  return points.slice(0, TEXT_POINTS).map(escaped).join('').toWellFormed()
}

/** The two highest become two points each, of which the first is the lower of them: order and prefixes stay. */
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
