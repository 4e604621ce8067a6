/**
 * An emulator of AWS that needs no Docker, account or token. It listens on a loopback port until `close` and keeps its
 * state in memory.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { StraightwayError } from '../../shared/errors.ts'
import { freePort } from '../engine.ts'
import { installLocalstack } from './localstack.ts'
import { installMinistack } from './ministack.ts'

/** LocalStack takes half a minute to start on an idle machine. */
const READY_MS = 180_000
const ASK_EVERY_MS = 100
const STOP_MS = 10_000

/** An emulator as a Python program. */
export interface Program {
  readonly name: string
  readonly python: string
  readonly arguments: readonly string[]
  /** Environment variables that set its loopback port and its working folder. */
  readonly environment: (port: number, folder: string) => Readonly<Record<string, string>>
  /** Path that answers 200 when the emulator is ready. */
  readonly health: string
}

export interface Emulator {
  readonly endpoint: string
  close(): Promise<void>
}

export type EmulatorName = 'ministack' | 'localstack'

const PROGRAMS: Readonly<Record<EmulatorName, (log: (line: string) => void) => Program>> = {
  ministack: installMinistack,
  localstack: installLocalstack,
}

/** Installs an emulator the first time. Throws `unavailable` if Python or a package is not available. */
export function installEmulator(log: (line: string) => void, name: EmulatorName): void {
  PROGRAMS[name](log)
}

/** Starts an emulator. Rejects with `unavailable` if Python or the packages are not available, or it does not answer. */
export async function startEmulator(
  log: (line: string) => void,
  name: EmulatorName = 'ministack',
): Promise<Emulator> {
  const program = PROGRAMS[name](log)
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'straightway-emulator-'))
  // Starts a process group, because LocalStack starts the engine and the streams as child processes.
  const child = spawn(program.python, program.arguments, {
    cwd: folder,
    env: { ...process.env, PATH: path(), ...program.environment(port, folder) },
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  })
  const ended = once(child, 'exit')
  const die = () => endGroup(child.pid, 'SIGKILL')
  process.once('exit', die)
  const endpoint = `http://127.0.0.1:${port}`
  const close = async () => {
    process.removeListener('exit', die)
    child.kill('SIGTERM')
    const kill = setTimeout(die, STOP_MS)
    await ended
    clearTimeout(kill)
    die()
    rmSync(folder, { recursive: true, force: true })
  }
  if (await answers(`${endpoint}${program.health}`, () => child.exitCode !== null)) return { endpoint, close }
  await close()
  throw new StraightwayError('unavailable', `${program.name} does not answer.`)
}

/** PATH on which the project's Node comes first, so that the emulator uses it for what it starts. */
const path = (): string => `${dirname(process.execPath)}${delimiter}${process.env.PATH}`

function endGroup(leader: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (leader !== undefined) process.kill(-leader, signal)
  } catch {
    // All processes of the group have ended.
  }
}

async function answers(url: string, over: () => boolean): Promise<boolean> {
  const until = Date.now() + READY_MS
  while (Date.now() < until && !over()) {
    const response = await fetch(url).catch(() => undefined)
    if (response?.ok) return true
    await wait(ASK_EVERY_MS)
  }
  return false
}
