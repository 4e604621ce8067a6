/**
 * The audit trail: a record of every administrative change. An entry is a time and random letters, so entries sort by
 * time and none collide.
 */
import { z } from 'zod'
import type { Maker } from '../resources.ts'

/** Partitions of a month, and of an author. One partition takes about 1,000 records a second. */
export const AUDIT_BUCKETS = 4

const DIGITS = 15
const LETTERS = 10

export const entrySchema = z.string().regex(/^\d{15}\.[a-z2-7]{10}$/, 'is no audit entry')
export const makerSchema = z
  .custom<Maker>(
    (value) => typeof value === 'string' && /^(u_[a-z2-7]{16}|key:[a-z0-9]{1,32})$/.test(value),
    'a user, or `key:` and the id of an API key',
  )
  .meta({ type: 'string' })

/** The entry at a time, from at least 10 random letters. */
export const entryAt = (at: number, random: string): string => `${startOf(at)}.${random.slice(0, LETTERS)}`

/** Sorts before every entry of this time and after every earlier one. */
export const startOf = (at: number): string => `${at}`.padStart(DIGITS, '0')

/** The month of a time, in UTC: `2026-12`. */
export const monthOf = (at: number): string => new Date(at).toISOString().slice(0, 7)

/** The months from the later time back to the earlier one, newest first. */
export function monthsBack(until: number, since: number): readonly string[] {
  const months: string[] = []
  const at = new Date(until)
  at.setUTCDate(1)
  for (const last = monthOf(since); monthOf(at.getTime()) >= last; at.setUTCMonth(at.getUTCMonth() - 1))
    months.push(monthOf(at.getTime()))
  return months
}
