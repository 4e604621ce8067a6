/** An emulator of AWS without Docker, account or token, on a port of loopback until `close`. Its state is in memory. */
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

/** LocalStack takes half a minute on an idle machine. */
const READY_MS = 180_000
const ASK_EVERY_MS = 100
const STOP_MS = 10_000

/** An emulator that is a program in Python. */
export interface Program {
  readonly name: string
  readonly python: string
  readonly arguments: readonly string[]
  /** Variables that tell it where it listens on loopback, and the folder for what it keeps while it runs. */
  readonly environment: (port: number, folder: string) => Readonly<Record<string, string>>
  /** Path that answers 200 when it serves. */
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

/** Errors: `unavailable` where Python or the packages cannot be had, or it does not answer. */
export async function startEmulator(
  log: (line: string) => void,
  name: EmulatorName = 'ministack',
): Promise<Emulator> {
  const program = PROGRAMS[name](log)
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'straightway-emulator-'))
  // A group of its own: LocalStack starts the engine and the streams as processes of their own.
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

/** What an emulator starts runs on the Node that is found first: that of the project. */
const path = (): string => `${dirname(process.execPath)}${delimiter}${process.env.PATH}`

function endGroup(leader: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (leader !== undefined) process.kill(-leader, signal)
  } catch {
    // All of it has ended.
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
