/**
 * Where files are until they are whole: `DIRECTORY/.straightway/RANDOM/`, on the same file system as the place they go to.
 *
 *   about.json   {from, key}: whose transfer it is; the same transfer goes on here after a break
 *   progress     one byte for each entry that is whole
 *   files/       the tree as it was sent
 *   lock         the process that has it (home/lock.ts)
 *
 * No name in it was chosen by another peer but those below `files`. A whole file is linked to its final name, which
 * overwrites nothing; a whole folder is renamed onto an empty one that was made for it.
 */
import { randomBytes } from 'node:crypto'
import {
  appendFile,
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { StraightwayError } from '../../shared/errors.ts'
import { lock } from '../home/lock.ts'
import { makeFolder } from '../home/make-folder.ts'
import { MAX_NAME_BYTES } from './file-names.ts'

const FOLDER = '.straightway'
/** A longer one is a part of the name that has a dot in it. */
const MAX_EXTENSION_BYTES = 32
/** Transfers that wait for their senders to go on, of one sender and of all. */
const MAX_OF_ONE = 4
const MAX_WAITING = 32
const MAX_WAITING_MS = 7 * 24 * 3600_000

export interface Whose {
  /** Who sends; undefined when the caller does not say, and then nothing is continued. */
  readonly from: string | undefined
  readonly key: string | undefined
}

export class Staging {
  readonly #directory: string
  readonly #path: string
  readonly #unlock: () => void
  readonly #canContinue: boolean
  /** Entries that are whole. */
  entry: number
  /** Bytes of the next one that are here. */
  offset = 0

  private constructor(
    directory: string,
    path: string,
    parts: { unlock: () => void; entry: number; canContinue: boolean },
  ) {
    this.#directory = directory
    this.#path = path
    this.#unlock = parts.unlock
    this.entry = parts.entry
    this.#canContinue = parts.canContinue
  }

  /** Makes the directory if there is none. Goes on with what an earlier attempt at the same transfer left. */
  static async open(directory: string, sender: Whose): Promise<Staging> {
    const folder = join(directory, FOLDER)
    makeFolder(folder, 0o700)
    if (!(await lstat(folder)).isDirectory())
      throw new StraightwayError(
        'conflict',
        `${folder} is no folder: remove it, so that files can be received.`,
      )
    const { from, key } = sender
    const canContinue = from !== undefined && key !== undefined
    for (const each of await prune(folder)) {
      const isIts = canContinue && each.from === from && each.key === key
      const unlock = isIts ? tryLock(each.path) : undefined
      if (unlock !== undefined) return Staging.#continued(directory, each.path, unlock)
    }
    const path = join(folder, randomBytes(16).toString('hex'))
    makeFolder(join(path, 'files'), 0o700)
    const unlock = lock(join(path, 'lock'), 'transfer')
    await writeFile(join(path, 'about.json'), JSON.stringify(sender), { mode: 0o600 })
    return new Staging(directory, path, { unlock, entry: 0, canContinue })
  }

  static async #continued(directory: string, path: string, unlock: () => void): Promise<Staging> {
    const entry = await sizeOf(join(path, 'progress'))
    const staging = new Staging(directory, path, { unlock, entry, canContinue: true })
    staging.offset = await sizeOf(join(path, 'part'))
    return staging
  }

  /** Files and folders at the top that are staged, and have no final name yet. */
  tops(): Promise<string[]> {
    return readdir(join(this.#path, 'files'))
  }

  async makeFolder(path: string): Promise<void> {
    await mkdir(this.#at(path))
    await this.#advance()
  }

  /** The file that is written now: what is there of it stays, unless it is begun `anew`. */
  openPart(anew: boolean): Promise<FileHandle> {
    return open(join(this.#path, 'part'), anew ? 'w+' : 'a+', 0o600)
  }

  /** The part is whole. */
  async finishPart(path: string): Promise<void> {
    const part = join(this.#path, 'part')
    await link(part, this.#at(path)).catch((error: NodeJS.ErrnoException) => {
      if (!CANNOT_LINK.has(`${error.code}`)) throw error
      return rename(part, this.#at(path))
    })
    await rm(part, { force: true })
    await this.#advance()
  }

  async dropPart(): Promise<void> {
    await rm(join(this.#path, 'part'), { force: true })
    this.offset = 0
  }

  /** Gives something that is whole its final name, or the next free one like it. Returns the path. */
  async release(top: string): Promise<string> {
    const staged = this.#at(top)
    const isFolder = (await stat(staged)).isDirectory()
    for (let i = 0; ; i++) {
      const final = join(this.#directory, i === 0 ? top : numbered(top, i, isFolder))
      if (await (isFolder ? moveFolder(staged, final) : moveFile(staged, final))) return final
    }
  }

  /** Nothing more comes now. `keep`: the same transfer may go on later. */
  async close(keep: boolean): Promise<void> {
    const begun = this.entry > 0 || (await sizeOf(join(this.#path, 'part'))) > 0
    if (!keep || !this.#canContinue || !begun) await rm(this.#path, { recursive: true, force: true })
    this.#unlock()
    await rmdir(join(this.#directory, FOLDER)).catch(() => {})
  }

  #at(path: string): string {
    return join(this.#path, 'files', ...path.split('/'))
  }

  async #advance(): Promise<void> {
    this.entry++
    this.offset = 0
    await appendFile(join(this.#path, 'progress'), '.', { mode: 0o600 })
  }
}

const CANNOT_LINK = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'])

/** False when the name is taken. */
async function moveFile(staged: string, final: string): Promise<boolean> {
  try {
    await link(staged, final)
    await unlink(staged)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    if (!CANNOT_LINK.has(`${code}`)) throw error
  }
  // A file system without links: the name is taken first, by an empty file of ours.
  const placeholder = await open(final, 'wx').catch(unlessTaken)
  if (placeholder === undefined) return false
  await placeholder.close()
  await rename(staged, final)
  return true
}

async function moveFolder(staged: string, final: string): Promise<boolean> {
  const made = await mkdir(final).then(() => true, unlessTaken)
  if (made === undefined) return false
  // Windows renames onto nothing that exists, not even an empty folder.
  if (process.platform === 'win32') await rmdir(final)
  await rename(staged, final)
  return true
}

function unlessTaken(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'EEXIST') throw error
}

/** `photo (1).jpg`, shortened to what a file system takes. */
function numbered(name: string, i: number, isFolder: boolean): string {
  const known = isFolder ? '' : extname(name)
  const extension = Buffer.byteLength(known) <= MAX_EXTENSION_BYTES ? known : ''
  const end = ` (${i})${extension}`
  return `${shortened(basename(name, extension), MAX_NAME_BYTES - Buffer.byteLength(end))}${end}`
}

/** Whole characters from its beginning. */
function shortened(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes))
  return text.slice(0, read)
}

async function whose(path: string): Promise<Partial<Whose>> {
  try {
    return { ...JSON.parse(await readFile(join(path, 'about.json'), 'utf8')) }
  } catch {
    return {}
  }
}

function tryLock(path: string): (() => void) | undefined {
  try {
    return lock(join(path, 'lock'), 'transfer')
  } catch {
    return undefined
  }
}

interface Waiting extends Partial<Whose> {
  readonly path: string
  readonly at: number
}

/** Removes what nobody came back for. Returns what is left, the newest first. */
async function prune(folder: string): Promise<Waiting[]> {
  const names = (await readdir(folder)).filter((name) => /^[0-9a-f]{32}$/.test(name))
  const found = await Promise.all(names.map((name) => waiting(join(folder, name))))
  found.sort((one, other) => other.at - one.at)
  const ofSender = new Map<string | undefined, number>()
  const left: Waiting[] = []
  for (const each of found) {
    const before = ofSender.get(each.from) ?? 0
    ofSender.set(each.from, before + 1)
    const isOld = Date.now() - each.at > MAX_WAITING_MS
    if (!isOld && before < MAX_OF_ONE && left.length < MAX_WAITING) left.push(each)
    else if (tryLock(each.path) !== undefined) await rm(each.path, { recursive: true, force: true })
  }
  return left
}

async function waiting(path: string): Promise<Waiting> {
  const at = await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  )
  return { ...(await whose(path)), path, at }
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  )
