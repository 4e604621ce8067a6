import type { z } from 'zod'
import { StraightwayError } from '../errors.ts'
import { mergePatch } from './merge-patch.ts'

/** Parses a value with a schema. Throws `bad-request` or `too-large`, with each problem and its path. */
export function validated<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const { issues } = result.error
  const exceeds = issues.some((issue) => issue.code === 'custom' && issue.params?.limit !== undefined)
  throw new StraightwayError(exceeds ? 'too-large' : 'bad-request', issues.map(described).join('; '))
}

/** Applies a merge patch (RFC 7396) to `current`, and parses the result with the schema. Throws like `validated`. */
export function patched<T>(schema: z.ZodType<T>, current: T, patch: unknown): T {
  return validated(schema, mergePatch(current, patch))
}

function described(issue: z.core.$ZodIssue): string {
  const where = issue.path.map(String).join('.')
  const message = (issue.code === 'invalid_key' && issue.issues[0]?.message) || issue.message
  return where === '' ? message : `${where}: ${message}`
}
