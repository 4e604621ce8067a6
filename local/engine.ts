/**
 * The DynamoDB of one machine: a small binary with streams, spawned beside us, in memory or in one file.
 *
 * It lives as long as we do and no longer: it is started behind a shell that watches a pipe held by this process, so
 * that it ends even when this process is killed. It has a process group of its own, so that Ctrl-C reaches us alone and
 * nodes can still sign their peers out. `DYNAMODB_ENDPOINT` names another DynamoDB instead, and nothing is spawned.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { StraightwayError } from '../shared/errors.ts'

export { createTables } from './tables.ts'

export interface EngineOptions {
  /** Folder that keeps the tables over restarts; in memory without. */
  readonly data?: string | undefined
  /** A free one without. */
  readonly port?: number | undefined
}

export interface Engine {
  readonly endpoint: string
  close(): Promise<void>
}

/** Errors: `unavailable` where this platform has no engine, or it does not start. */
export async function startEngine({ data, port }: EngineOptions = {}): Promise<Engine> {
  const elsewhere = process.env.DYNAMODB_ENDPOINT
  if (elsewhere) return { endpoint: elsewhere, close: async () => {} }
  const chosen = port ?? (await freePort())
  const child = spawnWatched(binary(), ['--host', '127.0.0.1', '--port', `${chosen}`, ...storage(data)])
  await listening(child)
  return { endpoint: `http://127.0.0.1:${chosen}`, close: () => stop(child) }
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

function storage(data: string | undefined): string[] {
  if (data === undefined) return []
  mkdirSync(data, { recursive: true })
  return ['--db-path', join(data, 'tables.sqlite')]
}

/** The shell's child waits for the end of descriptor 3, which only we hold; the shell itself becomes the engine. */
const WATCH = '{ cat <&3; kill $$; } >/dev/null 2>&1 & exec 3<&- "$0" "$@"'

function spawnWatched(command: string, args: readonly string[]): ChildProcess {
  const stdio = ['ignore', 'pipe', 'pipe', 'pipe'] as const
  return spawn('/bin/sh', ['-c', WATCH, command, ...args], { stdio: [...stdio], detached: true })
}

async function listening(child: ChildProcess): Promise<void> {
  let said = ''
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const hear = (chunk: Buffer) => {
    said += chunk
    if (said.includes('listening on')) resolve()
  }
  child.stdout?.on('data', hear)
  child.stderr?.on('data', hear)
  child.once('error', reject)
  child.once('exit', () =>
    reject(new StraightwayError('unavailable', `The embedded DynamoDB ended: ${said.trim()}`)),
  )
  await promise.finally(() => {
    child.stdout?.off('data', hear).resume()
    child.stderr?.off('data', hear).resume()
  })
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill()
  await ended
  for (const pipe of child.stdio) pipe?.destroy()
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
