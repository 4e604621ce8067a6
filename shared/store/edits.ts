/** Edits of users, networks and peers: a merge patch is applied, checked, and written if nothing has changed. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { z } from 'zod'
import { StraightwayError } from '../errors.ts'
import type { Ground } from '../model/permission.ts'
import { expectVersion, type Precondition } from '../model/precondition.ts'
import { editableSchema } from '../model/user.ts'
import { patched } from '../model/validate.ts'
import { tableName } from './client.ts'
import { groundSteps } from './grounds.ts'
import type { Key } from './pages.ts'
import { CHANGED, retrying, transact } from './transact.ts'

export interface Edit {
  /** JSON merge patch (RFC 7396) of the fields in the schema. */
  readonly patch: unknown
  /** The version that the caller requires. Without it the edit applies to any version. */
  readonly precondition?: Precondition | undefined
  /** The memberships that allow the edit. */
  readonly grounds?: readonly Ground[] | undefined
  readonly now: number
}

interface Versioned {
  readonly version: number
}

/** Condition: the item has not changed and is not being deleted. */
export const UNCHANGED = '#version = :version AND attribute_not_exists(deletingAt)'

/**
 * Edits the fields in the schema and returns the entity as it is afterwards. Errors: `not-found`,
 * `precondition-failed`, `bad-request`, `too-large`; OUTDATED if the grounds no longer hold.
 */
export function editEntity<T extends Versioned>(
  client: DynamoDBDocumentClient,
  table: 'Users' | 'Networks' | 'Peers',
  key: Key,
  read: () => Promise<T | undefined>,
  { patch, precondition, grounds = [], now }: Edit,
  schema: z.ZodObject = editableSchema,
): Promise<T> {
  return retrying(async () => {
    const current = await read()
    if (current === undefined) throw new StraightwayError('not-found')
    const { version } = current
    expectVersion(version, precondition)
    const fields = Object.keys(schema.shape)
    const edited = patched(schema, pick(current, fields), patch)
    const Update = {
      TableName: tableName(table),
      Key: key,
      ConditionExpression: UNCHANGED,
      UpdateExpression: `SET ${fields.map((field) => `#${field} = :${field}`)}, updatedAt = :now, #version = :next`,
      ExpressionAttributeNames: { ...keyed('#', fields, (field) => field), '#version': 'version' },
      ExpressionAttributeValues: {
        ...keyed(':', fields, (field) => edited[field]),
        ':now': now,
        ':version': version,
        ':next': version + 1,
      },
    }
    const next: T = { ...current, ...edited, updatedAt: now, version: version + 1 }
    const told = { ...subjectOf(current, key), before: current, after: next }
    await transact(client, [{ refused: CHANGED, write: { Update } }, ...groundSteps(grounds)], told)
    return next
  })
}

/** The subject of the change in the audit trail. A peer is a part of its user. */
function subjectOf(current: object, { user, network, peer }: Key): { subject: string; about?: string } {
  if (peer !== undefined && 'user' in current) return { subject: `${current.user}`, about: peer }
  return { subject: user ?? network ?? '' }
}

const pick = (from: object, fields: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(from).filter(([field]) => fields.includes(field)))

const keyed = <T>(mark: string, fields: readonly string[], of: (field: string) => T): Record<string, T> =>
  Object.fromEntries(fields.map((field) => [mark + field, of(field)]))
