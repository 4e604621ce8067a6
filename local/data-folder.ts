/** The folder that keeps a system across restarts: tables, keys and stream checkpoints. Only one system may use it at a time. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { lock } from '../shared/files/lock.ts'
import { makePrivate } from '../shared/files/private-folder.ts'

/** Names of a system's own files. Other files in the folder are left alone. */
const OWN = /^(tables\.sqlite.*|(secrets|founding|checkpoints)\.json(\.new)?)$/

/**
 * Takes the folder: creates it if necessary, and makes it private to its owner, because tables hold messages. `fresh`:
 * deletes the data of earlier runs. Returns a function that releases the folder. Throws `conflict` if another system
 * has it, and `bad-request` if it cannot be made private.
 */
export function takeDataFolder(data: string, fresh: boolean): () => void {
  makePrivate(data, (name) => OWN.test(name) || name === 'lock')
  const giveBack = lock(join(data, 'lock'), 'data folder')
  const forgotten = fresh ? readdirSync(data).filter((name) => OWN.test(name)) : []
  for (const name of forgotten) rmSync(join(data, name))
  return giveBack
}
