import { chmodSync, lstatSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { StraightwayError } from '../../shared/errors.ts'
import { makeFolder } from './make-folder.ts'

/** Windows has no modes: there a folder inherits who may read it from the user's profile. */
const user = process.geteuid?.()

/**
 * Makes a folder if there is none, and keeps everybody but its owner out of it and of its own files, also those that were
 * readable before. `isOwn`: names of files that are kept there; other files stay as they are, behind the folder's mode.
 * Throws `bad-request` if the folder or one of these files belongs to another user, is a link, or cannot be made private,
 * and what the system says if the folder cannot be made.
 */
export function makePrivate(folder: string, isOwn: (name: string) => boolean): void {
  makeFolder(folder, 0o700)
  if (user === undefined) return
  restrict(folder, 0o700)
  for (const name of readdirSync(folder).filter(isOwn)) restrictFile(join(folder, name))
}

function restrictFile(path: string): void {
  if (!lstatSync(path).isFile())
    throw new StraightwayError('bad-request', `${path} is no regular file: remove it.`)
  restrict(path, 0o600)
}

function restrict(path: string, mode: number): void {
  if (statSync(path).uid !== user)
    throw new StraightwayError(
      'bad-request',
      `${path} belongs to another user, who could read it: use another folder.`,
    )
  chmodSync(path, mode)
  if ((statSync(path).mode & 0o077) !== 0)
    throw new StraightwayError(
      'bad-request',
      `Others can read ${path}, and its file system keeps no modes: use another folder.`,
    )
}
