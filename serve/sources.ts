/** Sources of a transfer: files, folders with their contents, and streams such as stdin. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { check, checkPath } from '../shared/arguments.ts'
import { StraightwayError } from '../shared/errors.ts'
import { refusalOfFile, refusalOfPath } from './file-names.ts'

const READ_BYTES = 256 << 10

/** A folder to send. Its contents are sources of their own. */
export interface FolderSource {
  readonly kind: 'folder'
  /** Relative path with `/` as separator, as sent to the receiver. */
  readonly path: string
}

/** A file or a stream to send. */
export interface FileSource {
  readonly kind: 'file'
  readonly path: string
  /** Size in bytes; undefined if it is not known in advance. */
  readonly size?: number
  /** Epoch milliseconds. */
  readonly modifiedAt?: number
  /** Opens the content from its beginning. Called only once for a source without a size. */
  readonly open: () => Readable
}

/** A source of a transfer. */
export type Source = FolderSource | FileSource

/** Result of `sourcesOf`. */
export interface Sources {
  /** Sources to send. */
  readonly list: readonly Source[]
  /** Entries of folders that are not sent, with the reason. */
  readonly skipped: readonly { readonly path: string; readonly why: string }[]
}

/**
 * Collects files and folders by their paths, always in the same order. Throws `not-found` if a file does not exist,
 * `forbidden` if it cannot be read, and `bad-request` if two entries have the same name or a name would be refused.
 */
export async function sourcesOf(paths: readonly string[]): Promise<Sources> {
  check(Array.isArray(paths), 'paths', 'a list of paths', paths)
  for (const path of paths) checkPath(path, 'paths')
  const list: Source[] = []
  const skipped: { path: string; why: string }[] = []
  for (const path of paths) await add(resolve(path), basename(resolve(path)), { list, skipped, isTop: true })
  return { list: distinct(list), skipped }
}

/** Makes a source from a stream. Throws `bad-request` if the name would be refused. */
export function streamSource(path: string, stream: Readable): FileSource {
  checkPath(path, 'path')
  check(typeof stream?.pipe === 'function', 'stream', 'a Readable', stream)
  const refusal = refusalOfFile(path)
  if (refusal !== undefined) throw new StraightwayError('bad-request', `The name ${path} ${refusal}.`)
  return { kind: 'file', path, open: () => stream }
}

/** True if a value is a source. */
export const isSource = (given: unknown): given is Source =>
  typeof given === 'object' &&
  given !== null &&
  'path' in given &&
  typeof given.path === 'string' &&
  'kind' in given &&
  (given.kind === 'folder' || (given.kind === 'file' && 'open' in given && typeof given.open === 'function'))

/** Key of a transfer: the same unchanged files have the same key. Undefined if the transfer cannot be resumed. */
export function keyOf(sources: readonly Source[]): string | undefined {
  const facts = sources.map((each) =>
    each.kind === 'folder' ? [each.path] : [each.path, each.size, each.modifiedAt],
  )
  if (sources.some((each) => each.kind === 'file' && each.modifiedAt === undefined)) return undefined
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex')
}

/** Total size in bytes; undefined if a source has no size. */
export function bytesOf(sources: readonly Source[]): number | undefined {
  let bytes = 0
  for (const each of sources) {
    if (each.kind === 'folder') continue
    if (each.size === undefined) return undefined
    bytes += each.size
  }
  return bytes
}

interface Walk {
  readonly list: Source[]
  readonly skipped: { path: string; why: string }[]
  /** True for a path that the caller gave, false for one found in a folder. */
  readonly isTop: boolean
}

async function add(at: string, path: string, walk: Walk): Promise<void> {
  const refusal = refusalOfPath(path)
  if (refusal !== undefined) return leaveOut(at, path, refusal, walk)
  const found = await stat(at).catch(missing(at))
  if (found.isDirectory()) return addFolder(at, path, walk)
  const refusalAsFile = refusalOfFile(path)
  if (refusalAsFile !== undefined) leaveOut(at, path, refusalAsFile, walk)
  else if (found.isFile()) walk.list.push(fileAt(at, path, found.size, found.mtimeMs))
  else if (found.isFIFO() && walk.isTop)
    walk.list.push({ kind: 'file', path, open: () => createReadStream(at) })
  else if (walk.isTop) throw new StraightwayError('bad-request', `${at} is no file and no folder.`)
  else walk.skipped.push({ path, why: 'is no file' })
}

/** Skips an entry of a folder, or throws for a path that the caller gave. `why`: what is wrong with its name. */
function leaveOut(at: string, path: string, why: string, { isTop, skipped }: Walk): void {
  if (isTop) throw new StraightwayError('bad-request', `${at} cannot be sent: its name ${why}.`)
  skipped.push({ path, why })
}

async function addFolder(at: string, path: string, walk: Walk): Promise<void> {
  walk.list.push({ kind: 'folder', path })
  const entries = await readdir(at, { withFileTypes: true })
  entries.sort((one, other) => (one.name < other.name ? -1 : 1))
  for (const entry of entries) {
    const inside = `${path}/${entry.name}`
    if (entry.isSymbolicLink()) walk.skipped.push({ path: inside, why: 'is a symbolic link' })
    else await add(join(at, entry.name), inside, { ...walk, isTop: false })
  }
}

const fileAt = (at: string, path: string, size: number, modifiedAt: number): FileSource => ({
  kind: 'file',
  path,
  size,
  modifiedAt: Math.floor(modifiedAt),
  open: () => createReadStream(at, { end: Math.max(size - 1, 0), highWaterMark: READ_BYTES }),
})

function distinct(list: readonly Source[]): readonly Source[] {
  const seen = new Set<string>()
  for (const { path } of list) {
    if (seen.has(path))
      throw new StraightwayError(
        'bad-request',
        `Two of them are called ${path}: send them one after the other.`,
      )
    seen.add(path)
  }
  return list
}

const missing =
  (at: string) =>
  ({ code, message }: NodeJS.ErrnoException): never => {
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new StraightwayError('not-found', `No such file: ${at}`)
    if (code === 'EACCES') throw new StraightwayError('forbidden', `${at} cannot be read: ask its owner.`)
    throw new StraightwayError('bad-request', `${at}: ${message}`)
  }
