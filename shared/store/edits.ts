/** Edits, the same for users, networks and peers: merge patch, checked, written if unchanged. */
import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import type { z } from 'zod'
import { StraightwayError } from '../errors.ts'
import { editableSchema } from '../model/user.ts'
import { patched } from '../model/validate.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import type { Key } from './pages.ts'
import { CHANGED, retrying } from './transact.ts'

export interface Edit {
  /** JSON merge patch (RFC 7396) of what the schema has. */
  readonly patch: unknown
  /** The version the caller has seen; without it the edit is made on whatever is there. */
  readonly ifVersion?: number | undefined
  readonly now: number
}

interface Versioned {
  readonly version: number
}

/** Nobody changed it since, and it is not being deleted. */
export const UNCHANGED = '#version = :version AND attribute_not_exists(deletingAt)'

/** The item as it is afterwards: what the schema has can be edited. Errors: `not-found`, `conflict`, `bad-request`, `too-large`. */
export function editEntity(
  client: DynamoDBDocumentClient,
  table: 'Users' | 'Networks' | 'Peers',
  key: Key,
  read: () => Promise<Versioned | undefined>,
  { patch, ifVersion, now }: Edit,
  schema: z.ZodObject = editableSchema,
): Promise<Record<string, unknown>> {
  return retrying(async () => {
    const current = await read()
    if (current === undefined) throw new StraightwayError('not-found')
    const { version } = current
    expectVersion(version, ifVersion)
    const fields = Object.keys(schema.shape)
    const edited = patched(schema, pick(current, fields), patch)
    const update = new UpdateCommand({
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
      ReturnValues: 'ALL_NEW',
    })
    const reply = await unlessRefused(client.send(update))
    if (reply?.Attributes === undefined) throw CHANGED
    return reply.Attributes
  })
}

/** Throws `conflict` where the caller has seen another version. */
export function expectVersion(version: number, expected: number | undefined): void {
  if (expected === undefined || expected === version) return
  throw new StraightwayError(
    'conflict',
    `It is at version ${version}, not ${expected}: read it again and try again`,
  )
}

const pick = (from: object, fields: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(from).filter(([field]) => fields.includes(field)))

const keyed = <T>(mark: string, fields: readonly string[], of: (field: string) => T): Record<string, T> =>
  Object.fromEntries(fields.map((field) => [mark + field, of(field)]))
