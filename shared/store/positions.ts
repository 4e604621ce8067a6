/** Where a page of a search ended, and as a cursor. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { StraightwayError } from '../errors.ts'
import { decodeCursor, encodeCursor, INVALID_CURSOR } from './pages.ts'
import type { Kind } from './records.ts'

export interface Position {
  readonly plan: number
  readonly scope: string
  /** Which range of the plan. */
  readonly range: number
  readonly entry: string
}

/** What a cursor belongs to. */
interface Search extends Kind {
  readonly filter?: string | undefined
  readonly cursor?: string | undefined
}

const positionSchema = z.tuple([z.string(), z.int().min(0), z.string(), z.int().min(0), z.string().min(1)])

/** Whose search it continues is in the cursor, so that it is not taken for another's. */
export function cursorOf({ plan, scope, range, entry }: Position, search: Search): string {
  return encodeCursor(JSON.stringify([digestOf(search), plan, scope, range, entry]))
}

export function positionIn(search: Search): Position | undefined {
  if (search.cursor === undefined) return undefined
  const parsed = positionSchema.safeParse(jsonOf(decodeCursor(search.cursor)))
  if (!parsed.success || parsed.data[0] !== digestOf(search))
    throw new StraightwayError('bad-request', INVALID_CURSOR)
  const [, plan, scope, range, entry] = parsed.data
  return { plan, scope, range, entry }
}

function digestOf({ entity, collection, filter }: Search): string {
  const text = JSON.stringify([entity, collection, filter])
  return createHash('sha256').update(text).digest('base64url').slice(0, 8)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
