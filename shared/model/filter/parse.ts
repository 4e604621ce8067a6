/**
 * Parses the text of a filter by precedence (a Pratt parser): `not` binds tighter than `and`, `and` tighter than `or`.
 *
 *   filter     = comparison / "not" "(" filter ")" / "(" filter ")" / path "[" filter "]" / filter ("and" / "or") filter
 *   comparison = path "pr" / path ("eq" / "ne" / "co" / "sw" / "ew" / "gt" / "ge" / "lt" / "le") value
 *   path       = name *("." name)          value = JSON text, number, true, false, null
 *
 * Operators and attribute names are matched without regard to case (RFC 7644, section 3.4.2.2). A comparison that could never
 * match is an error: `gt`, `ge`, `lt` or `le` with a boolean or null, and `co`, `sw` or `ew` with anything but text.
 */
import { StraightwayError } from '../../errors.ts'
import { LIMITS } from '../../limits.ts'
import type { Comparator, Comparison, Filter, Scalar } from './ast.ts'
import { invalid, type Token, tokenize } from './tokens.ts'

/** Most nested brackets: far more than a person writes, and far less than the stack allows. */
const MAX_DEPTH = 16
const BINDING = { or: 1, and: 2 } as const
const COMPARATORS: ReadonlySet<string> = new Set<Comparator>([
  'eq',
  'ne',
  'co',
  'sw',
  'ew',
  'gt',
  'ge',
  'lt',
  'le',
])
const TEXT_ONLY: ReadonlySet<string> = new Set<Comparator>(['co', 'sw', 'ew'])
const ORDERED: ReadonlySet<string> = new Set<Comparator>(['gt', 'ge', 'lt', 'le'])
const LITERALS: ReadonlyMap<string, Scalar> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
] as const)

/** Parses a filter. Throws `bad-request`, with what was expected at which position. */
export function parseFilter(text: string): Filter {
  if (new TextEncoder().encode(text).length > LIMITS.filterBytes) {
    throw new StraightwayError('bad-request', `filter: longer than ${LIMITS.filterBytes} bytes`)
  }
  const parser: Parser = { tokens: tokenize(text), next: 0, depth: 0 }
  const filter = parseExpression(parser, 0)
  const rest = peek(parser)
  if (rest.kind !== 'end') throw invalid(rest.at, '`and`, `or` or the end')
  return filter
}

interface Parser {
  readonly tokens: readonly Token[]
  next: number
  depth: number
}

function parseExpression(parser: Parser, binding: number): Filter {
  let left = parseOperand(parser)
  for (;;) {
    const op = logicalAt(peek(parser))
    if (op === undefined || BINDING[op] <= binding) return left
    take(parser)
    left = joined(op, left, parseExpression(parser, BINDING[op]))
  }
}

function parseOperand(parser: Parser): Filter {
  const token = take(parser)
  if (token.kind === '(') return parseGroup(parser, ')')
  if (token.kind !== 'word') throw invalid(token.at, 'an attribute, `not` or `(`')
  if (token.text.toLowerCase() === 'not' && peek(parser).kind === '(') {
    take(parser)
    return { op: 'not', filter: parseGroup(parser, ')') }
  }
  return parseAttribute(parser, token.text.split('.'))
}

function parseGroup(parser: Parser, close: ')' | ']'): Filter {
  if (++parser.depth > MAX_DEPTH)
    throw invalid(peek(parser).at, `no more than ${MAX_DEPTH} brackets within brackets`)
  const filter = parseExpression(parser, 0)
  const end = take(parser)
  if (end.kind !== close) throw invalid(end.at, `\`${close}\``)
  parser.depth--
  return filter
}

function parseAttribute(parser: Parser, path: readonly string[]): Filter {
  const token = take(parser)
  if (token.kind === '[') return { op: 'some', path, filter: parseGroup(parser, ']') }
  const op = token.kind === 'word' ? token.text.toLowerCase() : ''
  if (op === 'pr') return { op, path }
  if (!COMPARATORS.has(op)) throw invalid(token.at, 'one of eq ne co sw ew gt ge lt le pr')
  return parseComparison(parser, op as Comparator, path)
}

function parseComparison(parser: Parser, op: Comparator, path: readonly string[]): Comparison {
  const token = take(parser)
  const value = scalarOf(token)
  if (TEXT_ONLY.has(op) && typeof value !== 'string') throw invalid(token.at, `a "text" after \`${op}\``)
  if (ORDERED.has(op) && typeof value !== 'string' && typeof value !== 'number') {
    throw invalid(token.at, `a "text" or a number after \`${op}\``)
  }
  return { op, path, value }
}

function scalarOf(token: Token): Scalar {
  if (token.kind === 'value') return token.value
  const literal = token.kind === 'word' ? LITERALS.get(token.text) : undefined
  if (literal === undefined) throw invalid(token.at, 'a value: "text", number, true, false or null')
  return literal
}

function logicalAt(token: Token): 'and' | 'or' | undefined {
  const text = token.kind === 'word' ? token.text.toLowerCase() : ''
  return text === 'and' || text === 'or' ? text : undefined
}

/** Joins two filters. `a and b and c` becomes one node with three parts, not two nodes with two. */
function joined(op: 'and' | 'or', left: Filter, right: Filter): Filter {
  return left.op === op ? { op, filters: [...left.filters, right] } : { op, filters: [left, right] }
}

function peek(parser: Parser): Token {
  return parser.tokens[parser.next]!
}

function take(parser: Parser): Token {
  const token = peek(parser)
  if (token.kind !== 'end') parser.next++
  return token
}
