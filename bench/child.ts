import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { StraightwayError } from '../shared/errors.ts'

/** Variables to set besides those of this process. */
type Environment = Readonly<Record<string, string>>

/** A child process of a benchmark. It is killed when the benchmark ends. */
export interface Child {
  readonly pid: number
  /** The next line that it prints. Rejects with `unavailable` if it ends without printing one. */
  line(): Promise<string>
  stop(): Promise<void>
}

export function start(command: string, args: readonly string[], environment: Environment = {}): Child {
  const env = { ...process.env, ...environment }
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env })
  const die = () => child.kill('SIGKILL')
  process.once('exit', die)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    pid: child.pid!,
    line: async () => {
      const { value, done } = await lines.next()
      if (done) throw new StraightwayError('unavailable', `${command} ${args[0]} ended early`)
      return value
    },
    stop: () => stop(child, die),
  }
}

/** Starts a TypeScript file of this folder with the same Node.js. */
export const startScript = (file: string, ...args: readonly string[]): Child =>
  startScriptWith({}, file, ...args)

export const startScriptWith = (environment: Environment, file: string, ...args: readonly string[]): Child =>
  start(process.execPath, [new URL(file, import.meta.url).pathname, ...args], environment)

async function stop(child: ChildProcess, die: () => void): Promise<void> {
  process.removeListener('exit', die)
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill()
  await once(child, 'exit')
}
