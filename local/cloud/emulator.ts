/** An emulator of AWS without Docker, account or token, on a port of loopback until `close`. Its state is in memory. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { StraightwayError } from '../../shared/errors.ts'
import { installMinistack } from './ministack.ts'

const READY_MS = 60_000
const ASK_EVERY_MS = 100

export interface Emulator {
  readonly endpoint: string
  close(): Promise<void>
}

/** Errors: `unavailable` where Python or the package cannot be had, or it does not answer. */
export async function startEmulator(log: (line: string) => void): Promise<Emulator> {
  const { python, env } = installMinistack(log)
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'straightway-emulator-'))
  const child = spawn(python, ['-m', 'ministack'], {
    cwd: folder,
    env: { ...process.env, ...env, ...environment(port, folder) },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = once(child, 'exit')
  const die = () => child.kill('SIGKILL')
  process.once('exit', die)
  const endpoint = `http://127.0.0.1:${port}`
  const close = async () => {
    process.removeListener('exit', die)
    child.kill('SIGTERM')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  if (await answers(endpoint, () => child.exitCode !== null)) return { endpoint, close }
  await close()
  throw new StraightwayError('unavailable', 'MiniStack does not answer.')
}

/** Lambdas run on the Node that is found first: that of the project. */
function environment(port: number, folder: string): Record<string, string> {
  return {
    BIND_HOST: '127.0.0.1',
    GATEWAY_PORT: String(port),
    LAMBDA_EXECUTOR: 'local',
    LOG_LEVEL: 'WARNING',
    TMPDIR: folder,
    PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
  }
}

async function answers(endpoint: string, over: () => boolean): Promise<boolean> {
  const until = Date.now() + READY_MS
  while (Date.now() < until && !over()) {
    const response = await fetch(`${endpoint}/_ministack/health`).catch(() => undefined)
    if (response?.ok) return true
    await wait(ASK_EVERY_MS)
  }
  return false
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
