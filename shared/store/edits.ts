/** Edits of name and attributes, the same for users, networks and peers: merge patch, checked, written if unchanged. */
import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import { editableSchema } from '../model/user.ts'
import { patched } from '../model/validate.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import type { Key } from './pages.ts'
import { CHANGED, retrying } from './transact.ts'

export interface Edit {
  /** JSON merge patch (RFC 7396) of `name` and `attributes`. */
  readonly patch: unknown
  /** The version the caller has seen; without it the edit is made on whatever is there. */
  readonly ifVersion?: number | undefined
  readonly now: number
}

interface Editable {
  readonly name: string
  readonly attributes: object
  readonly version: number
}

/** Nobody changed it since, and it is not being deleted. */
export const UNCHANGED = '#version = :version AND attribute_not_exists(deletingAt)'

/** The item as it is afterwards. Errors: `not-found`, `conflict`, `bad-request`, `too-large`. */
export function editEntity(
  client: DynamoDBDocumentClient,
  table: 'Users' | 'Networks' | 'Peers',
  key: Key,
  read: () => Promise<Editable | undefined>,
  { patch, ifVersion, now }: Edit,
): Promise<Record<string, unknown>> {
  return retrying(async () => {
    const current = await read()
    if (current === undefined) throw new StraightwayError('not-found')
    const { name, attributes, version } = current
    expectVersion(version, ifVersion)
    const edited = patched(editableSchema, { name, attributes } as never, patch)
    const update = new UpdateCommand({
      TableName: tableName(table),
      Key: key,
      ConditionExpression: UNCHANGED,
      UpdateExpression: 'SET #name = :name, attributes = :attributes, updatedAt = :now, #version = :next',
      ExpressionAttributeNames: { '#name': 'name', '#version': 'version' },
      ExpressionAttributeValues: {
        ':name': edited.name,
        ':attributes': edited.attributes,
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
