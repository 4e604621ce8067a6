import { ok, type Reply } from './reply.ts'

/** Whether the function runs: it asks no table, so that a health check costs nothing. */
export async function readHealth(): Promise<Reply> {
  return ok({ status: 'ok' })
}
