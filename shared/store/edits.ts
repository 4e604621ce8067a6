/** Edits, the same for users, networks and peers: merge patch, checked, written if unchanged. */
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
  /** JSON merge patch (RFC 7396) of what the schema has. */
  readonly patch: unknown
  /** What the caller demands of the version; without it the edit is made on whatever is there. */
  readonly precondition?: Precondition | undefined
  /** What allows the edit. */
  readonly grounds?: readonly Ground[] | undefined
  readonly now: number
}

interface Versioned {
  readonly version: number
}

/** Nobody changed it since, and it is not being deleted. */
export const UNCHANGED = '#version = :version AND attribute_not_exists(deletingAt)'

/**
 * The thing as it is afterwards: what the schema has can be edited. Errors: `not-found`, `precondition-failed`,
 * `bad-request`, `too-large`; OUTDATED where the grounds hold no longer.
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
    await transact(client, [{ refused: CHANGED, write: { Update } }, ...groundSteps(grounds)])
    return { ...current, ...edited, updatedAt: now, version: version + 1 }
  })
}

const pick = (from: object, fields: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(from).filter(([field]) => fields.includes(field)))

const keyed = <T>(mark: string, fields: readonly string[], of: (field: string) => T): Record<string, T> =>
  Object.fromEntries(fields.map((field) => [mark + field, of(field)]))
