/** The sending side of the file service (transfer.ts). */
import { createHash, type Hash } from 'node:crypto'
import type { Duplex, Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { check, checkFunction, checkSignal, taken } from '../shared/arguments.ts'
import { StraightwayError } from '../shared/errors.ts'
import { broken, misspoken, Records, type Value } from './records.ts'
import { bytesOf, type FileSource, isSource, keyOf, type Source } from './sources.ts'
import {
  FILE_STREAM,
  FILE_VERSION,
  type FileFacts,
  isCount,
  type Progress,
  type TransferOffer,
  toldFailure,
} from './transfer.ts'

/** Time that the other side gets to end after a `cancel`. */
const FAREWELL_MS = 3000

/** Options of `sendFiles`. */
export interface SendOptions {
  readonly progress?: Progress
  /** Called when the other side has the offer and has to decide. */
  readonly asked?: () => void
  /** Aborts the transfer; the promise rejects with `closed`. */
  readonly signal?: AbortSignal
}

/** Result of `sendFiles`. */
export interface SentTransfer {
  /** Files sent by this call; files of earlier attempts are not listed. */
  readonly files: readonly FileFacts[]
  /** Size of all files in bytes, including those of earlier attempts. */
  readonly bytes: number
  /** Part of `bytes` that earlier attempts had transferred. */
  readonly resumedBytes: number
}

/** Something that opens streams to another peer, such as a `PeerSocket`. */
export interface StreamOpener {
  /** Opens a stream to the other side. */
  createStream(options: { readonly name: string; readonly allowHalfOpen?: boolean }): Promise<Duplex>
}

/**
 * Sends files and folders (`sourcesOf`, `streamSource`) to a peer that serves files. Resolves when the receiver has all
 * of them with equal checksums, which takes as long as the transfer. Rejects with:
 *
 * - `closed`: `signal` aborted, or the connection broke. After a break, the same call on another tunnel resumes the
 *   transfer
 * - `refused`, `too-large`, `unavailable` (its disk is full) and others: the answer of the receiver
 * - `conflict`: a file changed while it was sent, or the checksum differs
 * - `bad-request`: an invalid argument
 */
export async function sendFiles(
  tunnel: StreamOpener,
  sources: readonly Source[],
  given: SendOptions = {},
): Promise<SentTransfer> {
  const options = taken(given)
  check(typeof tunnel?.createStream === 'function', 'tunnel', 'a tunnel (`peer.connect`)', tunnel)
  check(Array.isArray(sources) && sources.every(isSource), 'sources', 'a list from `sourcesOf`', sources)
  checkFunction(options.progress, 'progress')
  checkFunction(options.asked, 'asked')
  checkSignal(options.signal)
  if (options.signal?.aborted) throw stoppedBy(options.signal)
  const stream = await tunnel.createStream({ name: FILE_STREAM })
  const sending = new Sending(new Records(stream), sources, options)
  const { signal } = options
  const stopped = new Promise<never>((_, reject) => {
    signal?.addEventListener('abort', () => reject(stoppedBy(signal)), { once: true })
  })
  stopped.catch(() => {})
  try {
    return await Promise.race([sending.run(), stopped])
  } catch (error) {
    const broke = error instanceof StraightwayError && error.code === 'closed'
    await sending.stop(!broke || signal?.aborted === true)
    throw error
  }
}

const stoppedBy = (signal: AbortSignal): StraightwayError =>
  new StraightwayError('closed', 'Sending was stopped.', { cause: signal.reason })

class Sending {
  readonly #records: Records
  readonly #sources: readonly Source[]
  readonly #options: SendOptions
  readonly #total: number | undefined
  readonly #files: FileFacts[] = []
  #bytes = 0
  #over = false

  constructor(records: Records, sources: readonly Source[], options: SendOptions) {
    this.#records = records
    this.#sources = sources
    this.#options = options
    this.#total = bytesOf(sources)
  }

  async run(): Promise<SentTransfer> {
    await this.#records.value(this.#offer())
    this.#options.asked?.()
    const { entry, offset } = await this.#accepted()
    const answers = this.#hear(entry)
    // The receiver's answer ends the sending before the stream reports its end, so that the answer is not lost.
    await Promise.race([this.#sendAll(entry, offset).then(() => answers), answers])
    this.#records.stream.end()
    return { files: this.#files, bytes: this.#bytes, resumedBytes: this.#before(entry) + offset }
  }

  /** Ends the stream. `cancel`: tells the receiver not to keep what has arrived. */
  async stop(cancel: boolean): Promise<void> {
    const { stream } = this.#records
    this.#over = true
    if (cancel && stream.writable) {
      this.#records.value({ kind: 'cancel' }).catch(() => {})
      stream.end()
      await Promise.race([this.#records.drain(), sleep(FAREWELL_MS, undefined, { ref: false })])
    }
    stream.destroy()
  }

  #offer(): Value {
    const key = keyOf(this.#sources)
    const offer: TransferOffer = {
      name: this.#sources[0]?.path ?? '',
      entries: this.#sources.length,
      ...(this.#total !== undefined && { bytes: this.#total }),
    }
    return { kind: 'offer', version: FILE_VERSION, ...(key !== undefined && { key }), ...offer }
  }

  async #accepted(): Promise<{ entry: number; offset: number }> {
    const { kind, entry, offset } = await this.#answer()
    if (kind !== 'accept' || !isCount(entry) || !isCount(offset) || entry > this.#sources.length)
      throw misspoken()
    return { entry, offset }
  }

  async #answer(): Promise<Value> {
    const record = await this.#records.next()
    if (record === undefined) throw broken()
    if (!('value' in record)) throw misspoken()
    if (record.value.kind !== 'failed') return record.value
    throw record.value.again === true ? broken() : toldFailure(record.value)
  }

  /** Checks the receiver's answers until it has everything. */
  async #hear(first: number): Promise<void> {
    const files = this.#sources.flatMap(({ kind }, i) => (kind === 'file' && i >= first ? [i] : []))
    for (const [i, expected] of files.entries()) {
      const { kind, entry, sha256 } = await this.#answer()
      if (kind !== 'kept' || entry !== expected) throw misspoken()
      if (sha256 !== this.#files[i]?.sha256)
        throw new StraightwayError('conflict', 'The other side has other bytes: send it again.')
    }
    if ((await this.#answer()).kind !== 'done') throw misspoken()
  }

  async #sendAll(first: number, offset: number): Promise<void> {
    this.#bytes = this.#before(first)
    for (const [i, source] of this.#sources.entries()) {
      if (i < first) continue
      if (source.kind === 'folder') await this.#records.value({ kind: 'folder', path: source.path })
      else await this.#sendFile(source, i === first ? offset : 0)
    }
    await this.#records.value({ kind: 'done' })
  }

  async #sendFile(source: FileSource, offset: number): Promise<void> {
    const { path, size } = source
    await this.#records.value({ kind: 'file', path, ...(size !== undefined && { size }) })
    const hash = createHash('sha256')
    let sent = 0
    for await (const bytes of this.#reading(source)) {
      hash.update(bytes)
      const fresh = bytes.subarray(Math.min(Math.max(offset - sent, 0), bytes.length))
      sent += bytes.length
      this.#bytes += bytes.length
      if (fresh.length > 0) await this.#records.bytes(fresh)
      this.#options.progress?.(this.#bytes, this.#total)
    }
    if (size !== undefined && sent !== size)
      throw new StraightwayError('conflict', `${path} changed while it was sent: send it again.`)
    await this.#finish(path, sent, hash)
  }

  async #finish(name: string, size: number, hash: Hash): Promise<void> {
    const sha256 = hash.digest('hex')
    this.#files.push({ name, size, sha256 })
    await this.#records.value({ kind: 'end', sha256 })
  }

  async *#reading(source: FileSource): AsyncGenerator<Buffer> {
    if (source.size === 0) return
    const reading: Readable = source.open()
    try {
      for await (const chunk of reading) {
        if (this.#over) return
        yield* runsOf(chunk as Buffer)
      }
    } finally {
      reading.destroy()
    }
  }

  /** Total size of the entries before this one. */
  #before(entry: number): number {
    return bytesOf(this.#sources.slice(0, entry)) ?? 0
  }
}

/** Splits a chunk into parts that fit into a record. */
function* runsOf(chunk: Buffer | string): Generator<Buffer> {
  const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
  for (let at = 0; at < bytes.length; at += MAX_RUN_BYTES) yield bytes.subarray(at, at + MAX_RUN_BYTES)
}

const MAX_RUN_BYTES = 256 << 10
