/** Evaluates the DynamoDB expressions that the store uses, on plain items. */
import { StraightwayError } from '../../shared/errors.ts'

export type Item = Record<string, unknown>

export interface Names {
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>> | undefined
  readonly ExpressionAttributeValues?: Item | undefined
}

type Test = (item: Item | undefined, names: Names) => boolean
/** Parsed conditions by their text: a scan of a large table judges each item by the same one. */
const parsed = new Map<string, Test>()

/** True if a condition holds, also a key condition: AND, OR, comparisons, BETWEEN, attribute_exists, attribute_not_exists. */
export function holds(expression: string | undefined, item: Item | undefined, names: Names): boolean {
  if (expression === undefined) return true
  let test = parsed.get(expression)
  if (test === undefined) {
    test = testOf(expression)
    parsed.set(expression, test)
  }
  return test(item, names)
}

function testOf(expression: string): Test {
  const alternatives = expression
    .split(' OR ')
    .map((one) => conjunctsOf(one).map((part) => conjunctOf(part.trim())))
  return (item, names) => alternatives.some((every) => every.every((holds) => holds(item, names)))
}

/** The item after an update expression: SET with values, counters and if_not_exists, ADD of numbers and sets, and REMOVE. */
export function updated(expression: string, item: Item, names: Names): Item {
  const next = { ...item }
  for (const [, action = '', rest = ''] of expression.matchAll(
    /\b(SET|ADD|REMOVE)\s+(.*?)(?=\s+(?:SET|ADD|REMOVE)\s|$)/g,
  )) {
    for (const part of rest.split(/,\s*(?![^(]*\))/)) {
      const [target = '', ...words] = part.trim().split(/\s+/)
      const name = nameOf(target, names)
      if (action === 'REMOVE') delete next[name]
      else if (action === 'ADD') next[name] = sum(next[name], operand(words[0]!, next, names))
      else next[name] = assigned(words.slice(1).join(' '), next, names)
    }
  }
  return next
}

/** A number plus a number, or a set with the members of another. */
const sum = (before: unknown, added: unknown): unknown =>
  added instanceof Set
    ? new Set([...((before as Set<unknown> | undefined) ?? []), ...added])
    : Number(before ?? 0) + Number(added)

function conjunctsOf(text: string): readonly string[] {
  return text.replaceAll(/BETWEEN (\S+) AND (\S+)/g, 'BETWEEN $1 .. $2').split(' AND ')
}

function conjunctOf(part: string): Test {
  const exists = part.match(/^attribute_(not_)?exists\((.+)\)$/)
  if (exists)
    return (item, names) => (item?.[nameOf(exists[2]!, names)] === undefined) === (exists[1] !== undefined)
  const [left = '', comparison = '', right = '', , most = ''] = part.replaceAll(/[()]/g, '').split(/\s+/)
  const compare = COMPARISONS[comparison]
  if (compare === undefined) throw new StraightwayError('internal', `no such condition: ${part}`)
  return (item, names) => {
    const value = operand(left, item, names) as never
    const [wanted, highest] = [operand(right, item, names), operand(most, item, names)] as [never, never]
    return value !== undefined && compare(value, wanted, highest)
  }
}

const COMPARISONS: Readonly<Record<string, (value: never, wanted: never, most: never) => boolean>> = {
  '=': (value, wanted) => value === wanted,
  '<': (value, wanted) => value < wanted,
  '<=': (value, wanted) => value <= wanted,
  '>': (value, wanted) => value > wanted,
  '>=': (value, wanted) => value >= wanted,
  BETWEEN: (value, least, most) => value >= least && value <= most,
}

function assigned(text: string, item: Item, names: Names): unknown {
  const fallback = text.match(/^if_not_exists\((\S+), (\S+)\)$/)
  if (fallback) return item[nameOf(fallback[1]!, names)] ?? operand(fallback[2]!, item, names)
  return operand(text, item, names)
}

function operand(text: string, item: Item | undefined, names: Names): unknown {
  return text.startsWith(':') ? names.ExpressionAttributeValues?.[text] : item?.[nameOf(text, names)]
}

const nameOf = (text: string, { ExpressionAttributeNames }: Names): string =>
  text.startsWith('#') ? ExpressionAttributeNames![text]! : text
