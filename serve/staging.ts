/**
 * The staging folder of a transfer, which holds files until they are complete: `DIRECTORY/.straightway/RANDOM/`, on the
 * same file system as their destination.
 *
 *   about.json   {from, key}: whose transfer it is; the same transfer goes on here after a break
 *   progress     one byte for each entry that is whole
 *   files/       the tree as it was sent
 *   lock         the process that has it (shared/files/lock.ts)
 *
 * Only names below `files` come from another peer. A complete file is hard-linked to its final name, which never
 * overwrites anything. A complete folder is renamed onto a new, empty folder.
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
import { StraightwayError } from '../shared/errors.ts'
import { lock } from '../shared/files/lock.ts'
import { makeFolder } from '../shared/files/make-folder.ts'
import { MAX_NAME_BYTES } from './file-names.ts'

const FOLDER = '.straightway'
/** A longer extension is treated as part of the name. */
const MAX_EXTENSION_BYTES = 32
/** Most transfers that are kept to be resumed, of one sender and of all senders. */
const MAX_OF_ONE = 4
const MAX_WAITING = 32
const MAX_WAITING_MS = 7 * 24 * 3600_000

export interface Whose {
  /** The sender; undefined if the caller does not tell. The transfer can then not be resumed. */
  readonly from: string | undefined
  readonly key: string | undefined
}

export class Staging {
  readonly #directory: string
  readonly #path: string
  readonly #unlock: () => void
  readonly #canContinue: boolean
  /** Number of complete entries. */
  entry: number
  /** Bytes of the next entry that have arrived. */
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

  /** Opens the staging folder of a transfer and creates the directory if necessary. Resumes what an earlier attempt left. */
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

  /** Top-level files and folders that are staged and not yet released. */
  tops(): Promise<string[]> {
    return readdir(join(this.#path, 'files'))
  }

  async makeFolder(path: string): Promise<void> {
    await mkdir(this.#at(path))
    await this.#advance()
  }

  /** Opens the file that is being written. Its content is kept unless `anew` is true. */
  openPart(anew: boolean): Promise<FileHandle> {
    return open(join(this.#path, 'part'), anew ? 'w+' : 'a+', 0o600)
  }

  /** Turns the completed part into a staged file. */
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

  /** Moves a complete file or folder to its final name, or to the next free variant of it. Returns the path. */
  async release(top: string): Promise<string> {
    const staged = this.#at(top)
    const isFolder = (await stat(staged)).isDirectory()
    for (let i = 0; ; i++) {
      const final = join(this.#directory, i === 0 ? top : numbered(top, i, isFolder))
      if (await (isFolder ? moveFolder(staged, final) : moveFile(staged, final))) return final
    }
  }

  /** Ends this attempt. `keep`: keeps the staged files so that the transfer can be resumed. */
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

/** Moves a file. Returns false if the name is in use. */
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
  // The file system has no hard links: reserve the name with an empty file first.
  const placeholder = await open(final, 'wx').catch(unlessTaken)
  if (placeholder === undefined) return false
  await placeholder.close()
  await rename(staged, final)
  return true
}

async function moveFolder(staged: string, final: string): Promise<boolean> {
  const made = await mkdir(final).then(() => true, unlessTaken)
  if (made === undefined) return false
  // Windows cannot rename onto anything that exists, not even an empty folder.
  if (process.platform === 'win32') await rmdir(final)
  await rename(staged, final)
  return true
}

function unlessTaken(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'EEXIST') throw error
}

/** A variant such as `photo (1).jpg`, shortened to the longest name that file systems accept. */
function numbered(name: string, i: number, isFolder: boolean): string {
  const known = isFolder ? '' : extname(name)
  const extension = Buffer.byteLength(known) <= MAX_EXTENSION_BYTES ? known : ''
  const end = ` (${i})${extension}`
  return `${shortened(basename(name, extension), MAX_NAME_BYTES - Buffer.byteLength(end))}${end}`
}

/** The longest prefix of whole characters that fits. */
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

/** Removes expired and surplus transfers. Returns the others, newest first. */
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
