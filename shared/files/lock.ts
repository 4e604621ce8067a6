/**
 * A lock on a directory: a file that is created only if it does not exist, with the process's id and start time. The
 * lock of a dead process is first renamed to a name of our own and then removed, so only one of two processes succeeds.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { StraightwayError } from '../errors.ts'

const ATTEMPTS = 5

/**
 * Takes the lock and returns a function that releases it. Throws `conflict` if another process has it. `what`: what the
 * error calls the directory.
 */
export function lock(path: string, what = 'home'): () => void {
  const own = `${process.pid} ${startOf(process.pid)}`
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (make(path, own)) return () => giveBack(path, own)
    const holder = read(path)
    if (holder !== undefined && lives(holder)) break
    if (holder !== undefined) takeAway(path, holder)
  }
  const [pid] = read(path)?.split(' ') ?? []
  throw new StraightwayError(
    'conflict',
    `This ${what} is in use by process ${pid ?? 'unknown'}: stop it, or give this one a ${what} of its own.`,
  )
}

function make(path: string, own: string): boolean {
  try {
    writeFileSync(path, own, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Removes the lock of a dead process. If the renamed file is another process's new lock, it is put back. */
function takeAway(path: string, dead: string): void {
  const aside = `${path}.${process.pid}`
  try {
    renameSync(path, aside)
    if (readFileSync(aside, 'utf8') !== dead) linkSync(aside, path)
  } catch {
    // Another process was faster.
  }
  rmSync(aside, { force: true })
}

function giveBack(path: string, own: string): void {
  if (read(path) === own) rmSync(path, { force: true })
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function lives(holder: string): boolean {
  const [pid, start] = holder.split(' ')
  try {
    process.kill(Number(pid), 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  return startOf(Number(pid)) === start
}

/** Start time of a process, which distinguishes it from a later one with the same id. Only Linux tells; elsewhere empty. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
