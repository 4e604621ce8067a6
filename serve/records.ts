/**
 * Records on a stream: JSON values and chunks of bytes, in sequence.
 *
 *   length u32 · kind u8 · payload      kind 0: a JSON object of at most 64 KiB; kind 1: bytes, at most 1 MiB
 */
import type { Duplex } from 'node:stream'
import { StraightwayError } from '../shared/errors.ts'

const HEADER_BYTES = 5
const VALUE = 0
const BYTES = 1
const MAX_VALUE_BYTES = 64 << 10
const MAX_RUN_BYTES = 1 << 20

export type Value = Readonly<Record<string, unknown>>
export type StreamRecord = { readonly value: Value } | { readonly bytes: Buffer }

export class Records {
  readonly stream: Duplex
  readonly #chunks: AsyncIterator<Buffer>
  #read: Buffer[] = []
  #have = 0

  constructor(stream: Duplex) {
    this.stream = stream
    this.#chunks = stream.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>
    stream.on('error', () => {})
  }

  /** Sends a JSON value. Resolves when more can be sent. Rejects with `closed` if the stream is gone. */
  value(value: Value): Promise<void> {
    return this.#send(VALUE, Buffer.from(JSON.stringify(value)))
  }

  /** Sends a chunk of at most 1 MiB. */
  bytes(bytes: Buffer): Promise<void> {
    return this.#send(BYTES, bytes)
  }

  /**
   * Reads the next record; undefined after the other side ended. Rejects with `closed` if the stream broke, and with
   * `bad-request` if the other side does not use this format.
   */
  async next(): Promise<StreamRecord | undefined> {
    const header = await this.#take(HEADER_BYTES)
    if (header === undefined) return undefined
    const [length, kind] = [header.readUInt32BE(), header[4]]
    if (length > (kind === VALUE ? MAX_VALUE_BYTES : MAX_RUN_BYTES)) throw misspoken()
    const payload = length === 0 ? Buffer.alloc(0) : await this.#take(length)
    if (payload === undefined) throw broken()
    if (kind === BYTES) return { bytes: payload }
    return { value: parse(payload) }
  }

  /** Reads and drops everything until the end. */
  async drain(): Promise<void> {
    try {
      while (!(await this.#chunks.next()).done);
    } catch {
      // A break is an end too.
    }
  }

  #send(kind: number, payload: Buffer): Promise<void> {
    if (!this.stream.writable) return Promise.reject(broken())
    const record = Buffer.allocUnsafe(HEADER_BYTES + payload.length)
    record.writeUInt32BE(payload.length)
    record[4] = kind
    record.set(payload, HEADER_BYTES)
    return this.stream.write(record) ? Promise.resolve() : drained(this.stream)
  }

  /** Reads exactly `bytes` bytes; undefined if the other side ended before the first one. */
  async #take(bytes: number): Promise<Buffer | undefined> {
    while (this.#have < bytes) {
      const { value, done } = await this.#chunks.next().catch((cause: Error) => Promise.reject(broken(cause)))
      if (done && this.#have > 0) throw broken()
      if (done) return undefined
      this.#read.push(value)
      this.#have += value.length
    }
    const all = this.#read.length === 1 ? this.#read[0]! : Buffer.concat(this.#read)
    this.#read = all.length > bytes ? [all.subarray(bytes)] : []
    this.#have = all.length - bytes
    return all.subarray(0, bytes)
  }
}

function parse(payload: Buffer): Value {
  try {
    const value: unknown = JSON.parse(payload.toString())
    if (typeof value === 'object' && value !== null) return value as Value
  } catch {
    // Reported below.
  }
  throw misspoken()
}

function drained(stream: Duplex): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => () => {
      stream.off('drain', onDrain).off('close', onClose)
      act()
    }
    const onDrain = settle(resolve)
    const onClose = settle(() => reject(broken()))
    stream.once('drain', onDrain).once('close', onClose)
    if (stream.destroyed) onClose()
  })
}

/** The error of a broken connection, the only one after which a retry can help. */
export const broken = (cause?: unknown): StraightwayError =>
  new StraightwayError('closed', 'The connection broke before everything was there: send it again.', {
    cause,
  })

export const misspoken = (): StraightwayError =>
  new StraightwayError('bad-request', 'The other side does not speak the file service of this version.')
