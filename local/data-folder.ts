/** The folder that keeps a system over restarts: tables, keys, how far streams were read. One system has it at a time. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { lock } from '../peer/home/lock.ts'
import { makePrivate } from '../peer/home/private-folder.ts'

/** What a system writes there; whatever else is in the folder is somebody else's. */
const OWN = /^(tables\.sqlite.*|(secrets|founding|checkpoints)\.json(\.new)?)$/

/**
 * Makes it if there is none, and private to its owner in any case: tables hold messages. `fresh` forgets what was kept.
 * Returns what gives the folder back. Throws `conflict` if another system has it, `bad-request` if it cannot be private.
 */
export function takeDataFolder(data: string, fresh: boolean): () => void {
  makePrivate(data, (name) => OWN.test(name) || name === 'lock')
  const giveBack = lock(join(data, 'lock'), 'data folder')
  const forgotten = fresh ? readdirSync(data).filter((name) => OWN.test(name)) : []
  for (const name of forgotten) rmSync(join(data, name))
  return giveBack
}
