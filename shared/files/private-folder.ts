import { chmodSync, lstatSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { StraightwayError } from '../errors.ts'
import { makeFolder } from './make-folder.ts'

/** Undefined on Windows, which has no modes: a folder there inherits its permissions from the user's profile. */
const user = process.geteuid?.()

/**
 * Creates a folder if necessary, and makes it and its own files accessible to their owner only, also those that were
 * readable before. `isOwn`: selects the files that belong there; the folder's mode alone protects other files.
 *
 * Throws `bad-request` if the folder or one of these files belongs to another user, is a link, or cannot be made
 * private. Throws the system's error if the folder cannot be created.
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
