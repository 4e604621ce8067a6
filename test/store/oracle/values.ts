/** Values for records and filters: few enough that they often match, and unusual enough to matter. */
import type { Json } from '../../../shared/model/json.ts'
import type { Dice } from './dice.ts'

const LONG = 'long '.repeat(40)
export const TEXTS = [
  ...[
    '',
    'a',
    'A',
    'ab',
    'abc',
    'b',
    'é',
    'e\u0301',
    'ß',
    'Straße',
    '\u0000',
    '\u0001',
    '\u0002x',
    '\u{1f600}',
  ],
  ...[
    '\uffff',
    '\ue000',
    '\u{10fffe}',
    '\u{10fffe}b',
    '\u{10ffff}',
    'a\u{10ffff}',
    'a\u{10fffe}b',
    '"',
    '\\',
    '100',
    '2026',
    '-0',
    '1e3',
    'true',
    'null',
    '\ufdd0',
    '\ufffe',
    ' ',
  ],
  ...[`${LONG}1`, `${LONG}2`, LONG, '\u{1f600}'.repeat(140), `${'\u{1f600}'.repeat(140)}x`],
]
export const DATES = [
  ...[
    '2026-01-02T03:04:05Z',
    '2026-01-02T04:04:05+01:00',
    '2026-01-02T03:04:05.000Z',
    '2025-12-31T23:59:60Z',
  ],
  ...['2026-01-02t03:04:06z', '1969-12-31T23:59:59Z', '2026-13-01T00:00:00Z', '2026-01-02'],
]
export const NUMBERS = [
  ...[0, -0, 1, 2, 3, 5, 8, 13, 21, 34, 55, -1, -2.5, 0.1, 0.30000000000000004, 1e21, -1e21, 1e-100, 1e125],
  ...[Number('12345678901234567890123456789012345678'), 2 ** 53 - 1, 2 ** 53, 2 ** 53 + 2, -(2 ** 53)],
  ...[1000, 1e-7, 9.9e124, -9.9e124],
]
/** Numbers only for filters, because tables cannot store them. */
export const EXTREMES = [Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE, 1e126]

export function scalar(dice: Dice): string | number | boolean | null {
  const kind = dice.below(10)
  if (kind < 4) return dice.of(TEXTS)
  if (kind < 8) return dice.of(NUMBERS)
  return kind === 8 ? dice.of(DATES) : dice.of([true, false, null])
}

/** Makes the attributes of an object, a user or a peer. Each may be absent. */
export function attributes(dice: Dice): { [name: string]: Json } {
  const made: { [name: string]: Json } = {}
  const has = () => dice.below(10) < 8
  if (has()) made.any = dice.below(5) === 0 ? dice.times(dice.below(4), () => scalar(dice)) : scalar(dice)
  if (has()) made.level = dice.of(NUMBERS)
  if (has()) made.title = dice.of(TEXTS)
  if (has()) made.at = dice.of(DATES)
  if (has())
    made.tags = dice.times(dice.of([0, 1, 2, 3, 5, 25]), () =>
      dice.of([...TEXTS, 1, 2, `t${dice.below(30)}`]),
    )
  if (has()) made.deep = dice.below(2) === 0 ? dice.times(dice.below(4), () => nested(dice)) : nested(dice)
  if (has()) made.loose = scalar(dice)
  if (dice.below(20) === 0) made.LEVEL = dice.of(NUMBERS)
  return made
}

/** Makes an object in a list, a list of them in a list, or something else. */
function nested(dice: Dice): Json {
  if (dice.below(8) === 0) return scalar(dice)
  if (dice.below(8) === 0) return [{ x: dice.of(NUMBERS), y: 'a' }, [{ x: dice.of(TEXTS) }]]
  const x = dice.below(8) === 0 ? {} : { x: scalar(dice) }
  return { ...x, ...(dice.below(3) > 0 && { y: dice.of(['a', 'b', 1, null]) }) }
}

/** Paths declared for collections; `loose` is undeclared. */
export const DECLARED = ['any', 'level', 'title', 'at', 'tags', 'deep.x']
