/**
 * JSON that DynamoDB can store: numbers within its range (1e-130 to 1e125), no empty names, well-formed Unicode, and a
 * nesting of at most 16 levels.
 */
import { z } from 'zod'
import type { Json, JsonObject } from '../resources.ts'
import { isTableNumber } from '../table-number.ts'

export type { Json, JsonObject }

const MAX_DEPTH = 16

/** Schema of a JSON object of at most `bytes` as JSON text. */
export function jsonObject(bytes: number) {
  return z
    .custom<JsonObject>(isObject, 'is no JSON object')
    .superRefine((value, context) => {
      const problem = problemOf(value, 0)
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
      else if (jsonBytes(value) > bytes) context.addIssue(longerThan(bytes))
    })
    .meta({ type: 'object' })
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Length of a value as JSON text in UTF-8. */
export function jsonBytes(value: unknown): number {
  return textBytes(JSON.stringify(value))
}

/** Schema of a text of at most `bytes` in UTF-8. */
export function textUpTo(bytes: number, text = z.string()) {
  return text.superRefine((text, context) => {
    if (!text.isWellFormed()) context.addIssue({ code: 'custom', message: HALF })
    else if (textBytes(text) > bytes) context.addIssue(longerThan(bytes))
  })
}

const HALF = 'holds half of a character'

/** The issue for a value that is too long. Its `params.limit` makes the error `too-large`, not `bad-request` (validate.ts). */
function longerThan(bytes: number) {
  return { code: 'custom', message: `is longer than ${bytes} bytes`, params: { limit: bytes } } as const
}

function textBytes(text: string): number {
  return new TextEncoder().encode(text).length
}

function problemOf(value: unknown, depth: number): string | undefined {
  if (typeof value === 'number') return numberProblem(value)
  if (typeof value === 'string') return value.isWellFormed() ? undefined : HALF
  if (typeof value !== 'object' || value === null) return undefined
  if (depth === MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH}`
  for (const [name, part] of Object.entries(value)) {
    if (name === '' || name === '__proto__') return `has the attribute name ${JSON.stringify(name)}`
    if (!name.isWellFormed()) return `has an attribute name that ${HALF}`
    const problem = problemOf(part, depth + 1)
    if (problem !== undefined) return problem
  }
  return undefined
}

function numberProblem(value: number): string | undefined {
  return isTableNumber(value) ? undefined : `holds the number ${value}, which no table can`
}
