/**
 * One file over one stream. The sender begins with a line of JSON, `{name, size, sha256}`, then the bytes, then ends its
 * side; the receiver answers with a line `{ok, sha256}`. The file appears under its name only when it is whole.
 */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { type Duplex, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { StraightwayError } from '../../shared/errors.ts'
import type { PeerSocket } from '../peer-socket.ts'

const LONGEST_LINE = 4096

export interface FileFacts {
  readonly name: string
  readonly size: number
  /** Hexadecimal. */
  readonly sha256: string
}

export interface ReceivedFile extends FileFacts {
  readonly path: string
}

export type Progress = (bytes: number, size: number) => void

/** Resolves when the receiver has it and its checksum is the same. Errors: `refused`, `conflict` where it is not. */
export async function sendFile(
  socket: PeerSocket,
  path: string,
  progress: Progress = () => {},
): Promise<FileFacts> {
  const { size } = await stat(path)
  const facts = { name: basename(path), size, sha256: await sha256Of(path) }
  const stream = await socket.createStream({ name: 'file' })
  const answer = readLine(stream)
  answer.catch(() => {})
  stream.write(`${JSON.stringify(facts)}\n`)
  await pipeline(createReadStream(path), counting(size, progress), stream)
  const { ok, sha256 } = parse(await answer)
  if (ok === true && sha256 === facts.sha256) return facts
  throw new StraightwayError(
    'conflict',
    `The other side has other bytes: ${sha256} instead of ${facts.sha256}.`,
  )
}

/**
 * Writes into `directory`, under a name that is not taken yet, and no more than was announced. Errors: `bad-request` where
 * the other side does not keep to the service, `conflict` where other bytes came than were announced.
 */
export async function receiveFile(
  stream: Duplex,
  directory: string,
  progress: Progress = () => {},
): Promise<ReceivedFile> {
  stream.allowHalfOpen = true
  const lines = stream.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>
  const { head, rest } = await readHead(lines)
  const facts = factsOf(parse(head))
  await mkdir(directory, { recursive: true })
  const { path, part, file } = await openPart(directory, facts.name)
  const hash = createHash('sha256')
  const source = async function* () {
    yield rest
    yield* lines
  }
  try {
    const counted = counting(facts.size, progress, (chunk) => hash.update(chunk))
    await pipeline(source, counted, file.createWriteStream())
    const sha256 = hash.digest('hex')
    const ok = sha256 === facts.sha256
    stream.end(`${JSON.stringify({ ok, sha256 })}\n`)
    if (!ok) throw new StraightwayError('conflict', `${facts.name} came with other bytes than were sent.`)
    await rename(part, path)
    return { ...facts, path }
  } finally {
    await rm(part, { force: true })
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}

function counting(size: number, progress: Progress, each: (chunk: Buffer) => void = () => {}): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length
      if (bytes > size) {
        done(new StraightwayError('bad-request', `More comes than the ${size} bytes that were announced.`))
        return
      }
      each(chunk)
      progress(bytes, size)
      done(null, chunk)
    },
  })
}

async function readLine(stream: Duplex): Promise<string> {
  return (await readHead(stream.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>)).head
}

async function readHead(chunks: AsyncIterableIterator<Buffer>): Promise<{ head: string; rest: Buffer }> {
  let read = Buffer.alloc(0)
  while (read.length < LONGEST_LINE) {
    const { value, done } = await chunks.next()
    if (done) break
    read = Buffer.concat([read, value])
    const end = read.indexOf('\n')
    if (end >= 0) return { head: read.subarray(0, end).toString(), rest: read.subarray(end + 1) }
  }
  throw new StraightwayError('bad-request', 'The other side does not speak the file service.')
}

function parse(line: string): Record<string, unknown> {
  try {
    return { ...JSON.parse(line) }
  } catch {
    throw new StraightwayError('bad-request', 'The other side does not speak the file service.')
  }
}

/** Only a name in this directory is taken. */
function factsOf({ name, size, sha256 }: Record<string, unknown>): FileFacts {
  const isSound = typeof name === 'string' && Number.isSafeInteger(size) && typeof sha256 === 'string'
  if (!isSound || (size as number) < 0)
    throw new StraightwayError('bad-request', 'The other side does not speak the file service.')
  const own = basename(name.replaceAll('\\', '/'))
  return { name: own === '' || own === '.' || own === '..' ? 'file' : own, size: size as number, sha256 }
}

interface Part {
  readonly path: string
  readonly part: string
  readonly file: FileHandle
}

/** Two files of one name that come at once get names of their own: whose part exists first has the name. */
async function openPart(directory: string, name: string): Promise<Part> {
  const extension = extname(name)
  const stem = basename(name, extension)
  for (let i = 0; ; i++) {
    const path = join(directory, i === 0 ? name : `${stem} (${i})${extension}`)
    const part = `${path}.part`
    const file = existsSync(path) ? undefined : await open(part, 'wx').catch(unlessTaken)
    if (file !== undefined) return { path, part, file }
  }
}

function unlessTaken(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'EEXIST') throw error
}
