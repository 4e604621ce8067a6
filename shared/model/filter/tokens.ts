/**
 * The tokens of a filter, each with its position. Strings and numbers are JSON. A word is an attribute path, an operator or a
 * literal name of JSON; only its position in the filter decides which.
 */
import { StraightwayError } from '../../errors.ts'
import type { Scalar } from './ast.ts'

export type Token =
  | { readonly kind: 'word'; readonly text: string; readonly at: number }
  | { readonly kind: 'value'; readonly value: Scalar; readonly at: number }
  | { readonly kind: '(' | ')' | '[' | ']' | 'end'; readonly at: number }

const SPACE = /\s+/y
const WORD = /[A-Za-z][A-Za-z0-9_$-]*(?:\.[A-Za-z_$][A-Za-z0-9_$-]*)*/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y
const TEXT = /"(?:[^"\\]|\\.)*"/y
const BRACKETS = '()[]'

export function invalid(at: number, expected: string): StraightwayError {
  return new StraightwayError('bad-request', `filter: expected ${expected} at position ${at}`)
}

export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  for (;;) {
    at += matchAt(SPACE, text, at)?.length ?? 0
    if (at === text.length) return [...tokens, { kind: 'end', at }]
    const { token, length } = tokenAt(text, at)
    tokens.push(token)
    at += length
  }
}

function tokenAt(text: string, at: number): { token: Token; length: number } {
  const letter = text[at]!
  if (BRACKETS.includes(letter)) return { token: { kind: letter as '(' | ')' | '[' | ']', at }, length: 1 }
  const word = matchAt(WORD, text, at)
  if (word !== undefined) return { token: { kind: 'word', text: word, at }, length: word.length }
  const number = matchAt(NUMBER, text, at)
  if (number !== undefined)
    return { token: { kind: 'value', value: numberOf(number, at), at }, length: number.length }
  const quoted = matchAt(TEXT, text, at)
  if (quoted !== undefined)
    return { token: { kind: 'value', value: textOf(quoted, at), at }, length: quoted.length }
  throw invalid(at, 'an attribute, an operator, a bracket, a number or a "text"')
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

function numberOf(text: string, at: number): number {
  const value = Number(text)
  if (!Number.isFinite(value)) throw invalid(at, 'a number within the range of a double')
  return value
}

function textOf(quoted: string, at: number): string {
  try {
    return (JSON.parse(quoted) as string).toWellFormed()
  } catch {
    throw invalid(at, 'a text with the escapes of JSON')
  }
}
