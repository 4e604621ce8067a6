/** The folder that keeps a system over restarts: tables, keys, how far streams were read. One system has it at a time. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { lock } from '../peer/home/lock.ts'

/** What a system writes there; whatever else is in the folder is somebody else's. */
const OWN = /^(tables\.sqlite.*|(secrets|founding|checkpoints)\.json(\.new)?)$/

/**
 * Makes it where there is none, for its owner only: tables hold messages. `fresh` forgets what was kept. Returns what gives
 * the folder back. Throws `conflict` where another system has it.
 */
export function takeDataFolder(data: string, fresh: boolean): () => void {
  mkdirSync(data, { recursive: true, mode: 0o700 })
  const giveBack = lock(join(data, 'lock'), 'data folder')
  const forgotten = fresh ? readdirSync(data).filter((name) => OWN.test(name)) : []
  for (const name of forgotten) rmSync(join(data, name))
  return giveBack
}
