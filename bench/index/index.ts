/**
 * Measures INDEX on the embedded engine: the reads of each kind of request, the cost of indexing a change, and whether writes
 * slow down as a stream grows.
 */
import { generateKeyPairSync } from 'node:crypto'
import { exportJWK } from 'jose'
import type { RestConfig } from '../../functions/rest/config.ts'
import { createTables, startEngine } from '../../local/engine.ts'
import { LIMITS } from '../../shared/limits.ts'
import { createClient } from '../../shared/store/client.ts'
import { costsOf, type RequestCost } from './requests.ts'
import { populate } from './society.ts'
import { type IndexWriteCost, indexWriteCosts, type StreamedWrites, streamedWrites } from './writes.ts'

export interface IndexResult {
  readonly population: Size
  readonly requests: readonly RequestCost[]
  readonly indexWrites: readonly IndexWriteCost[]
  readonly streamedWrites: StreamedWrites
  /** Measurements above their bounds. Empty if all is well. */
  readonly over: readonly string[]
}

export interface Size {
  readonly members: number
  readonly objects: number
  readonly large: number
  readonly records: number
}

/** Largest allowed ratio of the cost of a write to a streamed table after all records to the cost before. */
const SLOWDOWN = 1.3

export async function benchIndex(population: Size): Promise<IndexResult> {
  const engine = await startEngine()
  const client = createClient(engine)
  try {
    await createTables(client)
    const society = await populate(client, population)
    const requests = await costsOf(client, society, await newConfig())
    const indexWrites = await indexWriteCosts(client)
    const streamed = await streamedWrites(client, engine, society, population.records)
    const over = [...requests.flatMap(excessOf), ...(streamed.ratio > SLOWDOWN ? ['streamed writes'] : [])]
    return { population, requests, indexWrites, streamedWrites: streamed, over }
  } finally {
    client.destroy()
    await engine.close()
  }
}

function excessOf({ name, bound, readUnits, calls, bytes }: RequestCost): readonly string[] {
  const units = readUnits > (bound.readUnits ?? Number.POSITIVE_INFINITY)
  const asked = calls > (bound.calls ?? Number.POSITIVE_INFINITY)
  const long = bytes > LIMITS.pageBytes
  return [
    ...(units ? [`${name}: read units`] : []),
    ...(asked ? [`${name}: calls`] : []),
    ...(long ? [`${name}: bytes`] : []),
  ]
}

async function newConfig(): Promise<RestConfig> {
  const { x, d } = await exportJWK(generateKeyPairSync('ed25519').privateKey)
  const ticketKey = { kty: 'OKP', crv: 'Ed25519', kid: 'bench', x: x!, d: d! } as const
  return { ticketKey, retiringTicketKeys: [], ticketMs: LIMITS.ticketMs, websocket: 'ws://here' }
}
