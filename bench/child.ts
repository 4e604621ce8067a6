import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { StraightwayError } from '../shared/errors.ts'

/** A process that a benchmark started. It dies with the benchmark. */
export interface Child {
  readonly pid: number
  /** The next line it prints; rejects with `unavailable` when it ends without one. */
  line(): Promise<string>
  stop(): Promise<void>
}

export function start(command: string, args: readonly string[]): Child {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
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

/** One of ours: a TypeScript file beside this one, under the same Node. */
export const startScript = (file: string, ...args: readonly string[]): Child =>
  start(process.execPath, [new URL(file, import.meta.url).pathname, ...args])

async function stop(child: ChildProcess, die: () => void): Promise<void> {
  process.removeListener('exit', die)
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill()
  await once(child, 'exit')
}
