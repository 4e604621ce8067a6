/** The position at which a page of a search ended, and its cursor. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { StraightwayError } from '../errors.ts'
import { decodeCursor, encodeCursor, INVALID_CURSOR } from './pages.ts'
import type { Kind } from './records.ts'

export interface Position {
  /** Time at which the search began, epoch milliseconds. */
  readonly beganAt: number
  /**
   * The attributes that the plan reads, each once. Empty if the plan is read by id: then any such plan continues the
   * search.
   */
  readonly attributes: readonly PlannedAttribute[]
  /** The last scope of the blocks that are finished. Empty in the first block. */
  readonly through: string
  /** Index of the range in the plan. */
  readonly range: number
  /** An entry of the range, or an id if the plan is read by id. Empty at the start of a block. */
  readonly entry: string
}

export interface PlannedAttribute {
  readonly attribute: string
  readonly several: boolean
}

/** The search that a cursor belongs to. */
interface Search extends Kind {
  readonly filter?: string | undefined
  readonly sortBy?: string | undefined
  readonly descending?: boolean | undefined
  readonly cursor?: string | undefined
}

/** The longest sort key. */
export const ENTRY_BYTES = 1024
const entrySchema = z.string().refine((text) => text.isWellFormed() && Buffer.byteLength(text) <= ENTRY_BYTES)

const positionSchema = z.tuple([
  z.string(),
  z.int().min(0),
  z.array(z.tuple([z.string().max(128), z.boolean()])).max(64),
  z.string().max(64),
  z.int().min(0).max(100),
  entrySchema,
])

/** The cursor of a position. It includes a digest of the search, so that another search refuses it. */
export function cursorOf(position: Position, search: Search): string {
  const { beganAt, attributes, through, range, entry } = position
  const planned = attributes.map(({ attribute, several }) => [attribute, several])
  return encodeCursor(JSON.stringify([digestOf(search), beganAt, planned, through, range, entry]))
}

/** The position in the cursor, if there is one. Errors: `bad-request` if it is no cursor of this search. */
export function positionIn(search: Search): Position | undefined {
  if (search.cursor === undefined) return undefined
  const parsed = positionSchema.safeParse(jsonOf(decodeCursor(search.cursor)))
  if (!parsed.success || parsed.data[0] !== digestOf(search)) throw invalidCursor()
  const [, beganAt, planned, through, range, entry] = parsed.data
  const attributes = planned.map(([attribute, several]) => ({ attribute, several }))
  return { beganAt, attributes, through, range, entry }
}

export function invalidCursor(): StraightwayError {
  return new StraightwayError('bad-request', INVALID_CURSOR)
}

function digestOf({ entity, collection, filter, sortBy, descending }: Search): string {
  const text = JSON.stringify([entity, collection, filter, sortBy, descending ?? false])
  return createHash('sha256').update(text).digest('base64url').slice(0, 8)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
