/**
 * Filters, each as text and as its meaning. The meaning is implemented here from shared/model/README.md, independently of the
 * code under test.
 */
import type { Dice } from './dice.ts'
import { DATES, EXTREMES, NUMBERS, scalar, TEXTS } from './values.ts'

export interface OracleFilter {
  readonly text: string
  readonly means: (record: object) => boolean
}

export const EVERYTHING: OracleFilter = { text: '', means: () => true }

/** Returns a filter of at most 512 bytes. `paths`: attributes that records may have. */
export function filter(dice: Dice, paths: readonly string[]): OracleFilter {
  for (;;) {
    const made = expression(dice, paths, dice.below(4))
    if (Buffer.byteLength(made.text) <= 512) return made
  }
}

function expression(dice: Dice, paths: readonly string[], depth: number): OracleFilter {
  if (depth === 0) return comparison(dice, paths)
  const inner = () => expression(dice, paths, depth - 1)
  switch (dice.below(9)) {
    case 0:
      return negated(dice, inner())
    case 1:
    case 2:
      return joined('or', dice.times(2 + dice.below(2), inner))
    case 3:
      return between(dice, paths)
    case 4:
      return bare(dice, paths)
    case 5:
      return some(dice, paths)
    default:
      return joined('and', dice.times(2 + dice.below(2), inner))
  }
}

function negated(dice: Dice, part: OracleFilter): OracleFilter {
  return { text: `${dice.of(['not', 'NOT'])} (${part.text})`, means: (record) => !part.means(record) }
}

function joined(op: 'and' | 'or', parts: readonly OracleFilter[]): OracleFilter {
  const text = parts.map((part) => `(${part.text})`).join(` ${op} `)
  if (op === 'or') return { text, means: (record) => parts.some((part) => part.means(record)) }
  return { text, means: (record) => parts.every((part) => part.means(record)) }
}

/** An expression without brackets: `not` binds tighter than `and`, and `and` tighter than `or`. */
function bare(dice: Dice, paths: readonly string[]): OracleFilter {
  const atom = () => {
    const part = comparison(dice, paths)
    return dice.below(4) === 0 ? negated(dice, part) : part
  }
  const groups = dice.times(1 + dice.below(3), () => dice.times(1 + dice.below(3), atom))
  const text = groups
    .map((group) => group.map((part) => part.text).join(dice.of([' and ', ' AND '])))
    .join(dice.of([' or ', ' Or ']))
  return { text, means: (record) => groups.some((group) => group.every((part) => part.means(record))) }
}

/** A condition that one element of a list must fulfil as a whole. */
function some(dice: Dice, paths: readonly string[]): OracleFilter {
  const path = dice.of(paths.map((one) => one.replace(/\.x$/, '')))
  const inside = dice.of([comparison, bare, between])(dice, ['x', 'y', 'X', 'none'])
  const means = (record: object) => valuesAt(record, path).some((value) => inside.means(value as object))
  return { text: `${path}[${inside.text}]`, means }
}

/** Two bounds on one attribute. If it has several values, different ones may satisfy the two. */
function between(dice: Dice, paths: readonly string[]): OracleFilter {
  const path = dice.of(paths)
  const values: readonly (string | number)[] = dice.of([NUMBERS, NUMBERS, TEXTS, DATES])
  const from = compared(dice, path, dice.of(['gt', 'ge']), dice.of(values))
  const to = compared(dice, path, dice.of(['lt', 'le']), dice.of(values))
  return joined('and', dice.below(2) === 0 ? [from, to] : [to, from])
}

function comparison(dice: Dice, paths: readonly string[]): OracleFilter {
  const path = dice.of(paths)
  switch (dice.below(8)) {
    case 0:
      return { text: `${path} pr`, means: (record) => valuesAt(record, path).some(isThere) }
    case 1:
      return compared(dice, path, dice.of(['co', 'sw', 'ew']), dice.of([...TEXTS, 'lon', 't', 'a']))
    case 2:
    case 3:
      return compared(
        dice,
        path,
        dice.of(['gt', 'ge', 'lt', 'le']),
        dice.of<string | number>([...TEXTS, ...NUMBERS, ...EXTREMES, ...DATES]),
      )
    case 4:
      return compared(dice, path, 'ne', scalar(dice))
    default:
      return compared(
        dice,
        path,
        dice.of(['eq', 'EQ']),
        dice.below(4) === 0 ? `t${dice.below(30)}` : scalar(dice),
      )
  }
}

function compared(
  dice: Dice,
  path: string,
  op: string,
  wanted: string | number | boolean | null,
): OracleFilter {
  const test = TESTS[op.toLowerCase() as keyof typeof TESTS]
  const text = `${path} ${op} ${spelt(dice, wanted)}`
  const as = path.toLowerCase() === 'name' ? caseless : (value: unknown) => value
  return { text, means: (record) => valuesAt(record, path).some((value) => test(as(value), as(wanted))) }
}

/** Normalises the case of a text, because comparison ignores case. */
function caseless(value: unknown): unknown {
  if (!text(value)) return value
  return value.normalize('NFC').toUpperCase().toLowerCase().replace(/ς/g, 'σ').normalize('NFC')
}

/** Returns one of the many JSON spellings of a value. */
function spelt(dice: Dice, value: string | number | boolean | null): string {
  if (typeof value === 'number') {
    if (value === 0) return dice.of(['0', '-0', '0.0', '-0e5', '0E-2'])
    return dice.of([JSON.stringify(value), value.toExponential(), value.toExponential().toUpperCase()])
  }
  if (typeof value !== 'string' || dice.below(3) > 0) return JSON.stringify(value)
  const unit = (letter: string) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`
  return value.length > 8 ? JSON.stringify(value) : `"${value.split('').map(unit).join('')}"`
}

const text = (value: unknown): value is string => typeof value === 'string'
const TESTS = {
  eq: same,
  ne: (value: unknown, wanted: unknown) => !same(value, wanted),
  co: (value: unknown, wanted: unknown) => text(value) && text(wanted) && value.indexOf(wanted) >= 0,
  sw: (value: unknown, wanted: unknown) =>
    text(value) && text(wanted) && value.slice(0, wanted.length) === wanted,
  ew: (value: unknown, wanted: unknown) =>
    text(value) && text(wanted) && (wanted === '' || value.slice(-wanted.length) === wanted),
  gt: (value: unknown, wanted: unknown) => (order(value, wanted) ?? Number.NaN) > 0,
  ge: (value: unknown, wanted: unknown) => (order(value, wanted) ?? Number.NaN) >= 0,
  lt: (value: unknown, wanted: unknown) => (order(value, wanted) ?? Number.NaN) < 0,
  le: (value: unknown, wanted: unknown) => (order(value, wanted) ?? Number.NaN) <= 0,
}

function same(value: unknown, wanted: unknown): boolean {
  if (text(value) && text(wanted)) return value === wanted || (isDate(wanted) && order(value, wanted) === 0)
  return typeof value === 'number' && typeof wanted === 'number' ? value - wanted === 0 : value === wanted
}

/** Compares texts by code point. If the filter contains a date-time, only date-times compare, by instant. */
export function order(value: unknown, wanted: unknown): number | undefined {
  if (typeof value === 'number' && typeof wanted === 'number') return value - wanted
  if (!text(value) || !text(wanted)) return undefined
  if (isDate(wanted)) return isDate(value) ? Date.parse(value) - Date.parse(wanted) : undefined
  return Buffer.compare(Buffer.from(value), Buffer.from(wanted))
}

function isDate(value: string): boolean {
  const looks =
    /^[0-9]{4}-[0-9]{2}-[0-9]{2}[tT][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?([zZ]|[-+][0-9]{2}:[0-9]{2})$/
  return looks.test(value) && Number.isFinite(Date.parse(value))
}

function isThere(value: unknown): boolean {
  if (value === '' || value === null) return false
  return typeof value === 'object' ? Object.keys(value).length > 0 : true
}

/** Returns the values at a path. Names ignore case, and a list stands for each of its elements. */
function valuesAt(record: unknown, path: string): readonly unknown[] {
  let found: unknown[] = [record]
  for (const name of path.toLowerCase().split('.')) {
    found = found.flatMap((value) =>
      typeof value === 'object' && value !== null
        ? Object.keys(value)
            .filter((key) => key.toLowerCase() === name)
            .flatMap((key) => flat((value as Record<string, unknown>)[key]))
        : [],
    )
  }
  return found
}

function flat(value: unknown): unknown[] {
  return Array.isArray(value) ? value.flatMap(flat) : [value]
}
