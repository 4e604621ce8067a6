/** The receiving side of one transfer: what was agreed, the file that is being written, and what is complete. */
import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, statfs } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { StraightwayError } from '../shared/errors.ts'
import { homeAround, refusalOfFile, refusalOfPath } from './file-names.ts'
import { diskFull, mayGoOn } from './receive-failures.ts'
import type { ReceivedFile, ReceivedTransfer, ReceiveOptions } from './receive-files.ts'
import { broken, misspoken, type Records, type StreamRecord, type Value } from './records.ts'
import { Staging } from './staging.ts'
import { FILE_VERSION, type FileFacts, isCount } from './transfer.ts'

/** Time that a sender gets to read the final message. */
const FAREWELL_MS = 5000

/** Active transfers of this process. If a sender starts one of them again, its first connection is dead. */
const live = new Map<string, Receiving>()

export class Receiving {
  /** Rejects when the sender starts the transfer again on another stream, which may happen before the break is noticed here. */
  readonly replaced: Promise<never>
  readonly #letGo: Promise<void>
  #replace: (error: StraightwayError) => void = () => {}
  #released: () => void = () => {}
  #id = ''
  readonly #records: Records
  readonly #options: ReceiveOptions
  readonly #files: FileFacts[] = []
  readonly #received: ReceivedFile[] = []
  readonly #paths: string[] = []
  #staging: Staging | undefined
  #part: FileHandle | undefined
  #total: number | undefined
  /** Bytes received of the whole transfer, and of the file that is being written. */
  #bytes = 0
  #written = 0
  /** The record that arrives while the offer is being decided; only `cancel` is allowed. */
  #early: Promise<StreamRecord> | undefined
  #top: string | undefined
  #cancelled = false
  #again = false

  constructor(records: Records, options: ReceiveOptions) {
    this.#records = records
    this.#options = options
    this.replaced = new Promise<never>((_, reject) => {
      this.#replace = reject
    })
    this.replaced.catch(() => {})
    this.#letGo = new Promise((resolve) => {
      this.#released = resolve
    })
  }

  async run(): Promise<ReceivedTransfer> {
    const staging = await this.#agree(await this.#value())
    await this.#records.value({ kind: 'accept', entry: staging.entry, offset: staging.offset })
    for (;;) {
      const value = await this.#value()
      if (value.kind === 'done') break
      await this.#entry(value, staging)
    }
    await this.#release(undefined, staging)
    this.#staging = undefined
    await staging.close(false)
    this.#forget()
    await this.#records.value({ kind: 'done' })
    this.#records.stream.end()
    await this.#farewell()
    return { files: this.#received, paths: this.#paths }
  }

  /** Reports the failure to the sender. Keeps what has arrived unless the sender cancelled the transfer. */
  async fail(error: StraightwayError): Promise<void> {
    const { stream } = this.#records
    await this.#part?.close().catch(() => {})
    await this.#staging?.close(!this.#cancelled && mayGoOn(error)).catch(() => {})
    this.#forget()
    if (stream.writable) {
      const { code, message } = error
      this.#records.value({ kind: 'failed', code, detail: message, again: this.#again }).catch(() => {})
      stream.end()
      await this.#farewell()
    }
    stream.destroy()
  }

  /** Waits until the sender has ended too, which shows that it has read the final message. */
  async #farewell(): Promise<void> {
    await Promise.race([this.#records.drain(), sleep(FAREWELL_MS, undefined, { ref: false })])
  }

  async #agree(offer: Value): Promise<Staging> {
    const { kind, version, key, name, entries, bytes } = offer
    if (kind !== 'offer' || version !== FILE_VERSION) throw misspoken()
    if (typeof name !== 'string' || !isCount(entries) || entries === 0) throw misspoken()
    if (bytes !== undefined && !isCount(bytes)) throw misspoken()
    const { directory, from, decide = () => true } = this.#options
    expectNoHome(directory)
    this.#total = bytes
    this.#expectRoom(bytes ?? 0)
    this.#early = this.#read()
    const left = this.#early.then(() => Promise.reject(misspoken()))
    left.catch(() => {})
    const asked = Promise.resolve(decide({ name, entries, ...(bytes !== undefined && { bytes }) }))
    const decision = await Promise.race([asked, left])
    if (decision !== true)
      throw new StraightwayError(
        'refused',
        typeof decision === 'string' ? decision : 'The other peer refused.',
      )
    if (from !== undefined && typeof key === 'string')
      await this.#replaceBefore(`${from} ${key} ${directory}`)
    this.#staging = await Staging.open(directory, { from, key: typeof key === 'string' ? key : undefined })
    await expectDisk(directory, bytes ?? 0)
    return this.#staging
  }

  async #replaceBefore(id: string): Promise<void> {
    await live.get(id)?.giveWay()
    this.#id = id
    live.set(id, this)
  }

  /** Ends this transfer in favour of a newer one. Resolves when the newer one can take over what has arrived. */
  async giveWay(): Promise<void> {
    this.#replace(new StraightwayError('closed', 'The sender began again.'))
    await this.#letGo
  }

  #forget(): void {
    if (live.get(this.#id) === this) live.delete(this.#id)
    this.#released()
  }

  async #entry({ kind, path, size }: Value, staging: Staging): Promise<void> {
    if ((kind !== 'file' && kind !== 'folder') || typeof path !== 'string') throw misspoken()
    if (size !== undefined && !isCount(size)) throw misspoken()
    const refusal = kind === 'file' ? refusalOfFile(path) : refusalOfPath(path)
    if (refusal !== undefined)
      throw new StraightwayError('bad-request', `The receiver refuses ${path}: its name ${refusal}.`)
    const top = path.split('/')[0]!
    if (top !== this.#top) await this.#release(top, staging)
    this.#top = top
    if (kind === 'folder') await staging.makeFolder(path)
    else await this.#file(path, size, staging)
  }

  async #file(path: string, size: number | undefined, staging: Staging): Promise<void> {
    const { entry, offset } = staging
    const part = await staging.openPart(offset === 0)
    this.#part = part
    const hash = createHash('sha256')
    await this.#hashAgain(part, offset, hash)
    const sha256 = await this.#write(part, { offset, size, hash })
    await part.close()
    this.#part = undefined
    const here = hash.digest('hex')
    if (here !== sha256) await this.#differs(path, offset, staging)
    await staging.finishPart(path)
    this.#files.push({ name: path, size: this.#written, sha256: here })
    await this.#records.value({ kind: 'kept', entry, sha256: here })
  }

  /** Writes the file until the sender ends it. Returns the checksum that the sender computed. */
  async #write(
    part: FileHandle,
    about: { offset: number; size: number | undefined; hash: Hash },
  ): Promise<unknown> {
    this.#written = about.offset
    for (;;) {
      const record = await this.#next()
      if ('value' in record) {
        if (record.value.kind !== 'end') throw misspoken()
        if (about.size !== undefined && this.#written !== about.size) throw misspoken()
        return record.value.sha256
      }
      this.#written += record.bytes.length
      if (this.#written > (about.size ?? Number.POSITIVE_INFINITY))
        throw new StraightwayError(
          'bad-request',
          `More comes than the ${about.size} bytes that were announced.`,
        )
      this.#bytes += record.bytes.length
      this.#expectRoom(this.#bytes)
      about.hash.update(record.bytes)
      await part.writeFile(record.bytes)
      this.#options.progress?.(this.#bytes, this.#total)
    }
  }

  async #hashAgain(part: FileHandle, offset: number, hash: Hash): Promise<void> {
    if (offset === 0) return
    for await (const chunk of part.createReadStream({ start: 0, end: offset - 1, autoClose: false }))
      hash.update(chunk as Buffer)
    this.#bytes += offset
  }

  async #differs(path: string, offset: number, staging: Staging): Promise<never> {
    await staging.dropPart()
    this.#again = offset > 0
    throw new StraightwayError('conflict', `${path} came with other bytes than were sent: send it again.`)
  }

  /** Moves every staged top-level entry except `but` to its final name. */
  async #release(but: string | undefined, staging: Staging): Promise<void> {
    for (const top of await staging.tops()) {
      if (top === but) continue
      const final = await staging.release(top)
      this.#paths.push(final)
      for (const file of this.#files.splice(0)) {
        const received = { ...file, path: `${final}${file.name.slice(top.length)}` }
        this.#received.push(received)
        this.#options.onFile?.(received)
      }
    }
  }

  #expectRoom(bytes: number): void {
    const { maxBytes = Number.POSITIVE_INFINITY } = this.#options
    if (bytes > maxBytes)
      throw new StraightwayError('too-large', `The receiver accepts at most ${maxBytes} bytes.`)
  }

  #next(): Promise<StreamRecord> {
    const early = this.#early
    this.#early = undefined
    return early ?? this.#read()
  }

  async #read(): Promise<StreamRecord> {
    const record = await this.#records.next()
    if (record === undefined) throw broken()
    if ('value' in record && record.value.kind === 'cancel') {
      this.#cancelled = true
      throw new StraightwayError('closed', 'The sender stopped.')
    }
    return record
  }

  async #value(): Promise<Value> {
    const record = await this.#next()
    if ('value' in record) return record.value
    throw misspoken()
  }
}

function expectNoHome(directory: string): void {
  const home = homeAround(directory)
  if (home !== undefined)
    throw new StraightwayError(
      'forbidden',
      `${home} is the home of a peer, which keeps its key there: receive into another folder.`,
    )
}

async function expectDisk(directory: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory)
  if (bytes > bavail * bsize) throw diskFull(`it has ${bavail * bsize} bytes free, and ${bytes} would come`)
}
