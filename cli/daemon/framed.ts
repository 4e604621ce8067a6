/**
 * A stream through the door of a home. It uses records on a local socket, so that an end differs from a break. Each
 * side sends its bytes as records, and `{end: true}` when it has ended.
 */
import { Duplex } from 'node:stream'
import { broken, type Records } from '../../serve/records.ts'

const MAX_RUN_BYTES = 256 << 10

export class Framed extends Duplex {
  readonly #records: Records
  #reading = false

  constructor(records: Records) {
    super()
    this.#records = records
    records.stream.once('close', () => {
      if (!this.readableEnded || !this.writableFinished) this.destroy(broken())
    })
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error) => void): void {
    this.#send(chunk).then(() => done(), done)
  }

  override _final(done: (error?: Error) => void): void {
    this.#records.value({ end: true }).then(() => {
      this.#records.stream.end()
      done()
    }, done)
  }

  override _read(): void {
    if (this.#reading) return
    this.#reading = true
    this.#records.next().then(
      (record) => {
        this.#reading = false
        if (record === undefined) this.destroy(broken())
        else if ('bytes' in record) this.push(record.bytes)
        else this.push(null)
      },
      (error) => this.destroy(error),
    )
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.readableEnded || !this.writableFinished) this.#records.stream.destroy()
    done(error)
  }

  async #send(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length; at += MAX_RUN_BYTES)
      await this.#records.bytes(chunk.subarray(at, at + MAX_RUN_BYTES))
  }
}
