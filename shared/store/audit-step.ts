/**
 * The write of an audit record. It is a step of the transaction that makes the change (transact.ts). So a change that
 * is made has its record, a change that is refused has none, and neither is ever told twice. A stream could tell the
 * change too, but not its author: a deleted item has none, and records of a stream may come twice, or be given up.
 */
import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb'
import { toBase32 } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import { AUDIT_BUCKETS, entryAt, monthOf } from '../model/audit.ts'
import type { AuditRecord, Maker } from '../resources.ts'
import { tableName } from './client.ts'

/** The part of an audit record that is the same for all changes of one request. */
export interface Note extends Pick<AuditRecord, 'at' | 'operation' | 'request' | 'by' | 'peer'> {}

/** A change, as its store tells it. It never holds a secret: an API key is told without its hash. */
export interface Told {
  /** A user, a network, `collection:` and a name, or `key:` and an id. */
  readonly subject: string
  /** The part of the subject that changed: the user of a membership, a peer of a user, an invite to a network. */
  readonly about?: string
  /** The author, if the request itself had no credential: an enrolment. */
  readonly by?: Maker
  /** Absent for something new. */
  readonly before?: object | undefined
  /** Absent for something deleted. */
  readonly after?: object | undefined
}

/** An item of the table. `month` and `maker` are keys of indexes, each in one of AUDIT_BUCKETS partitions. */
export interface AuditItem extends AuditRecord {
  readonly month: string
  readonly maker?: string
  readonly expiresAtSeconds: number
}

type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number]

export function auditWrite(note: Note, { subject, about, by = note.by, ...change }: Told): Write {
  const { at, operation, request, peer } = note
  const random = randomBytes(8)
  const bucket = random[7]! % AUDIT_BUCKETS
  const Item: AuditItem = {
    ...{ subject, entry: entryAt(at, toBase32(random)), at, operation, request },
    ...(about !== undefined && { about }),
    ...(by !== undefined && { by, maker: `${by}/${bucket}` }),
    ...(peer !== undefined && { peer }),
    ...differenceOf(change),
    month: `${monthOf(at)}/${bucket}`,
    expiresAtSeconds: Math.ceil((at + LIMITS.auditMs) / 1000),
  }
  return { Put: { TableName: tableName('Audit'), Item } }
}

type Fields = Readonly<Record<string, never>>

/** Fields of the record: after an edit those that differ, otherwise all. */
function differenceOf({
  before,
  after,
}: Pick<Told, 'before' | 'after'>): Pick<AuditRecord, 'before' | 'after'> {
  if (before === undefined || after === undefined)
    return { ...(before && { before: before as Fields }), ...(after && { after: after as Fields }) }
  const [was, is] = [new Map(Object.entries(before)), new Map(Object.entries(after))]
  const changed = new Set(
    [...was.keys(), ...is.keys()].filter((name) => !isDeepStrictEqual(was.get(name), is.get(name))),
  )
  const only = (fields: ReadonlyMap<string, unknown>) =>
    Object.fromEntries([...fields].filter(([name]) => changed.has(name))) as Fields
  return { before: only(was), after: only(is) }
}
