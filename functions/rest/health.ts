/** Health of the system. The route needs no credential, so each result is reused for KEPT_MS. */
import { GetCommand } from '@aws-sdk/lib-dynamodb'
import { tableName } from '../../shared/store/client.ts'
import type { Context } from './context.ts'
import { ok, type Reply } from './reply.ts'
import type { Request } from './request.ts'

export type Failing = Readonly<Partial<Record<'tables' | 'streams' | 'nodes', string>>>

/** `degraded`: INDEX works but another component does not. `failing`: INDEX does not work. */
export interface Health {
  readonly status: 'ok' | 'degraded' | 'failing'
  /** The components that do not work, each with the reason. */
  readonly failing: Failing
}

const KEPT_MS = 2_000
const PATIENCE_MS = 2_000

const known = new WeakMap<Context, { readonly at: number; readonly health: Promise<Health> }>()

/** Answers 503 if INDEX does not work. */
export async function readHealth({ context }: Request): Promise<Reply> {
  const now = performance.now()
  const last = known.get(context)
  const fresh = last !== undefined && now - last.at < KEPT_MS ? last : { at: now, health: look(context) }
  known.set(context, fresh)
  const health = await fresh.health
  return { ...ok(health), statusCode: health.status === 'failing' ? 503 : 200 }
}

async function look(context: Context): Promise<Health> {
  const tables = await failureOf(readTables(context))
  if (tables !== undefined) return { status: 'failing', failing: { tables } }
  const failing = context.failing()
  return { status: Object.keys(failing).length === 0 ? 'ok' : 'degraded', failing }
}

async function readTables({ client }: Context): Promise<void> {
  const get = new GetCommand({ TableName: tableName('ApiKeys'), Key: { key: 'first' } })
  await client.send(get, { abortSignal: AbortSignal.timeout(PATIENCE_MS) })
}

async function failureOf(attempt: Promise<void>): Promise<string | undefined> {
  try {
    await attempt
    return undefined
  } catch (error) {
    return `they do not answer: ${(error as Error).name}`
  }
}
