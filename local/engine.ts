/**
 * The DynamoDB of one machine: a small binary with streams, spawned beside us, with one file. `DYNAMODB_ENDPOINT` names
 * another DynamoDB instead, and nothing is spawned.
 */
import { once } from 'node:events'
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { StraightwayError } from '../shared/errors.ts'
import { EngineProcess } from './engine-process.ts'
import { indexStreamRecords, keepTrimmed } from './engine-records.ts'

export { createTables } from './tables.ts'

export interface EngineOptions {
  /** Folder that keeps the tables over restarts; without, they are in memory. */
  readonly data?: string | undefined
  /** A free one without. */
  readonly port?: number | undefined
  /** Hears that the engine died and is started again. Nobody without. */
  readonly log?: ((line: string) => void) | undefined
}

export interface Engine {
  readonly endpoint: string
  /** The process, where one was spawned. */
  readonly pid: number | undefined
  close(): Promise<void>
}

/** Errors: `unavailable` if this platform has no engine, or it does not start. */
export async function startEngine({ data, port, log = () => {} }: EngineOptions = {}): Promise<Engine> {
  const elsewhere = process.env.DYNAMODB_ENDPOINT
  if (elsewhere) return { endpoint: elsewhere, pid: undefined, close: async () => {} }
  const command = binary()
  const temporary = data === undefined ? mkdtempSync(join(memory(), 'straightway-')) : undefined
  const file = fileIn(data ?? temporary!)
  const chosen = port ?? (await freePort())
  if (existsSync(file)) indexStreamRecords(file)
  const engine = await EngineProcess.start({
    command,
    args: ['--host', '127.0.0.1', '--port', `${chosen}`, '--db-path', file],
    temporary,
    onListening: () => indexStreamRecords(file),
    log,
  }).catch((error) => {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true })
    throw error
  })
  const endTrimming = keepTrimmed(file, log)
  return {
    endpoint: `http://127.0.0.1:${chosen}`,
    get pid() {
      return engine.pid
    },
    async close() {
      endTrimming()
      await engine.stop()
      if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true })
    },
  }
}

function binary(): string {
  const name = `@dynoxide/${process.platform}-${process.arch}`
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'dynoxide')
  } catch {
    const detail = `There is no embedded DynamoDB for ${process.platform}-${process.arch}: set DYNAMODB_ENDPOINT`
    throw new StraightwayError('unavailable', `${detail} to the address of one, for example DynamoDB Local.`)
  }
}

function fileIn(folder: string): string {
  mkdirSync(folder, { recursive: true })
  return join(folder, 'tables.sqlite')
}

/** A file system in memory where there is one: the engine's own memory mode cannot be given an index. */
function memory(): string {
  try {
    accessSync('/dev/shm', constants.W_OK)
    return '/dev/shm'
  } catch {
    return tmpdir()
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
