/**
 * Ends the process: on a signal, when nobody reads its output any more, or when the process that started it is gone. A
 * verb then signs out and ends. A second signal ends it immediately.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export type StopReason = 'signal' | 'output' | 'parent'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const LOOK_MS = 1000
/** Exit code after SIGINT: 128 plus the number of the signal, as in shells. */
const INTERRUPTED = 130
/** Signals within this time count as one: Ctrl-C reaches both the launcher and this process, and the launcher forwards it. */
const ECHO_MS = 500

const stopping = new AbortController()

/** Aborted when the process must end. */
export const stopped: AbortSignal = stopping.signal

/** Stops the process. Only the first reason counts. */
export const stop = (reason: StopReason): void => stopping.abort(reason)

/** The reason why the process must end; undefined before that. */
export const stopReason = (): StopReason | undefined =>
  stopped.aborted ? (stopped.reason as StopReason) : undefined

export const untilStopped = (): Promise<void> =>
  new Promise((resolve) => {
    if (stopped.aborted) resolve()
    else stopped.addEventListener('abort', () => resolve(), { once: true })
  })

export function watchLife(): void {
  let at: number | undefined
  for (const signal of SIGNALS)
    process.on(signal, () => {
      if (at !== undefined && performance.now() - at > ECHO_MS) process.exit(INTERRUPTED)
      at ??= performance.now()
      stop('signal')
    })
  // The launcher (straightway.js) holds the other end of the channel and forwards signals.
  process.once('disconnect', () => stop('parent'))
  process.channel?.unref()
  onOrphaned(() => stop('parent'))
}

/**
 * Calls `act` when the npm or npx that started this process has ended. npm runs scripts through a shell, which may
 * outlive npm and does not forward signals. A process that the user started from a shell is left alone: `nohup`
 * outlives shells.
 */
export function onOrphaned(act: () => void): void {
  if (process.env.npm_command === undefined && process.env.npm_lifecycle_event === undefined) return
  const line = lineage()
  const timer = setInterval(() => {
    if (isSame(line, lineage())) return
    clearInterval(timer)
    act()
  }, LOOK_MS)
  timer.unref()
}

/** Ids of the parent and, if the parent is a shell that npm started, of its parent. */
function lineage(): readonly number[] {
  const parent = process.ppid
  const { name, parent: grandparent } = about(parent)
  return /^(ba|da|z|k|a)?sh$/.test(name) ? [parent, grandparent] : [parent]
}

const isSame = (before: readonly number[], now: readonly number[]): boolean =>
  before.every((pid, i) => now[i] === pid)

function about(pid: number): { name: string; parent: number } {
  try {
    if (process.platform === 'linux') {
      const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const end = text.lastIndexOf(')')
      return {
        name: text.slice(text.indexOf('(') + 1, end),
        parent: Number(text.slice(end + 2).split(' ')[1]),
      }
    }
    if (process.platform === 'win32') return { name: '', parent: 0 }
    const [parent, name] = execFileSync('ps', ['-o', 'ppid=,comm=', '-p', `${pid}`], { encoding: 'utf8' })
      .trim()
      .split(/\s+/)
    return { name: (name ?? '').split('/').at(-1)!.replace(/^-/, ''), parent: Number(parent) }
  } catch {
    return { name: '', parent: 0 }
  }
}
