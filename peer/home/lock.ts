/**
 * Lets one process have a directory at a time: a file made only where there is none, with the process's id and when it began.
 * A lock whose process has ended is taken away, under a name of our own, so that of two who try only one succeeds.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { StraightwayError } from '../../shared/errors.ts'

const ATTEMPTS = 5

/** Throws `conflict` where another process has it; `what` it is called there. Returns what gives it back. */
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

/** What was taken away may be the lock of one who was quicker: then it is put back. */
function takeAway(path: string, dead: string): void {
  const aside = `${path}.${process.pid}`
  try {
    renameSync(path, aside)
    if (readFileSync(aside, 'utf8') !== dead) linkSync(aside, path)
  } catch {
    // Somebody else was quicker.
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

/** Tells a process from a later one of the same id. Only Linux says; elsewhere the id alone has to do. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
