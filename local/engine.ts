/**
 * The DynamoDB of one machine: a small binary with streams and one data file, started beside this process. Platforms
 * without such a binary run DynamoDB Local (engine-choice.ts). If `DYNAMODB_ENDPOINT` names another DynamoDB, that one
 * is used and nothing is started.
 */
import { once } from 'node:events'
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chooseEngine, type EngineChoice, thisMachine } from './engine-choice.ts'
import { EngineProcess } from './engine-process.ts'
import { indexStreamRecords, keepTrimmed } from './engine-records.ts'

export { createTables } from './tables.ts'

export interface EngineOptions {
  /** Folder that keeps the tables across restarts. Default: in memory. */
  readonly data?: string | undefined
  /** Port to listen on. Default: a free one. */
  readonly port?: number | undefined
  /** Receives a line when the engine died and is restarted. Default: no log. */
  readonly log?: ((line: string) => void) | undefined
}

export interface Engine {
  readonly endpoint: string
  /** Id of the process; undefined if none was started. */
  readonly pid: number | undefined
  close(): Promise<void>
}

/**
 * Starts the engine. Rejects with `unavailable` if this machine has none, or it does not start. `choice`: default the
 * first that is available.
 */
export async function startEngine(options: EngineOptions = {}, choice?: EngineChoice): Promise<Engine> {
  const elsewhere = process.env.DYNAMODB_ENDPOINT
  if (elsewhere) return { endpoint: elsewhere, pid: undefined, close: async () => {} }
  const chosen = choice ?? chooseEngine(thisMachine())
  return chosen.kind === 'embedded' ? startEmbedded(options, chosen) : startDynamoDbLocal(options, chosen)
}

async function startEmbedded(
  { data, port, log = () => {} }: EngineOptions,
  choice: EngineChoice,
): Promise<Engine> {
  const temporary = data === undefined ? mkdtempSync(join(memory(), 'straightway-')) : undefined
  const folder = data ?? temporary!
  const file = fileIn(folder)
  const chosen = port ?? (await freePort())
  if (existsSync(file)) indexStreamRecords(file)
  const engine = await EngineProcess.start({
    command: choice.command,
    args: choice.args(chosen, folder),
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

async function startDynamoDbLocal(
  { data, port, log = () => {} }: EngineOptions,
  choice: EngineChoice,
): Promise<Engine> {
  const chosen = port ?? (await freePort())
  const endpoint = `http://127.0.0.1:${chosen}`
  if (data !== undefined) mkdirSync(data, { recursive: true })
  log(`no embedded DynamoDB for ${process.platform}-${process.arch}: DynamoDB Local by ${choice.command}`)
  const engine = await EngineProcess.start({
    command: choice.command,
    args: choice.args(chosen, data),
    answersAt: endpoint,
    onListening: () => {},
    log,
  })
  return {
    endpoint,
    get pid() {
      return engine.pid
    },
    close: () => engine.stop(),
  }
}

function fileIn(folder: string): string {
  mkdirSync(folder, { recursive: true })
  return join(folder, 'tables.sqlite')
}

/**
 * Folder on a file system in memory if there is one. The engine's own memory mode is not used, because it cannot be
 * given indexes.
 */
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
