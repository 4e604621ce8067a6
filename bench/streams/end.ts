/**
 * An end of a stream, of any implementation. It reads one line of JSON after another and prints one for each:
 *
 *   {"to", "paths", "ms"}   writes to a new stream for that time      {"wrote", "startedAt", "sum"}
 *   {"expect"}              waits until so many bytes have arrived    {"arrived", "at", "sum"}
 *
 * Times are milliseconds of a clock that all processes of the machine share. `sum` is a checksum of a part of the bytes: too
 * little of them to show in CPU time, and enough to notice bytes that are wrong, missing or out of order.
 */
import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'

/** Bytes of one write. */
const CHUNK_BYTES = 64 << 10
/** One byte of each of these is in the checksum. It is prime, so that no pattern of chunks hides a fault. */
const SAMPLE = 997

/** The part of Duplex that both systems have. */
export type Pipe = Pick<Duplex, 'write' | 'on' | 'once' | 'off'>

export type Said =
  | { readonly to: string; readonly paths: string; readonly ms: number }
  | { readonly expect: number }

export interface Wrote {
  readonly wrote: number
  readonly startedAt: number
  readonly sum: string
}

export interface Arrived {
  readonly arrived: number
  readonly at: number
  readonly sum: string
}

class Sampler {
  readonly #hash = createHash('sha256')
  #count = 0

  get count(): number {
    return this.#count
  }

  get sum(): string {
    return this.#hash.copy().digest('hex')
  }

  add(bytes: Uint8Array): void {
    const picked: number[] = []
    const first = (SAMPLE - (this.#count % SAMPLE)) % SAMPLE
    for (let at = first; at < bytes.length; at += SAMPLE) picked.push(bytes[at]!)
    this.#hash.update(Uint8Array.from(picked))
    this.#count += bytes.length
  }
}

export function serveEnd(
  name: string,
  open: (to: string, paths: string) => Promise<Pipe>,
): { received(stream: Pipe): void } {
  let incoming = new Sampler()
  let check = (): void => {}
  print({ name })
  void answer()
  return {
    received(stream) {
      incoming = new Sampler()
      const into = incoming
      stream.on('data', (bytes: Uint8Array) => {
        into.add(bytes)
        check()
      })
    },
  }

  async function answer(): Promise<void> {
    for await (const line of createInterface({ input: process.stdin })) {
      const said = JSON.parse(line) as Said
      print('to' in said ? await write(await open(said.to, said.paths), said.ms) : await arrival(said.expect))
    }
    process.exit(0)
  }

  async function arrival(expected: number): Promise<Arrived> {
    const { promise, resolve } = Promise.withResolvers<Arrived>()
    check = () => {
      const { count, sum } = incoming
      if (count >= expected) resolve({ arrived: count, at: nowMs(), sum })
    }
    check()
    const result = await promise
    check = () => {}
    return result
  }
}

async function write(stream: Pipe, ms: number): Promise<Wrote> {
  const sampler = new Sampler()
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  for (let i = 0; i < CHUNK_BYTES; i++) chunk[i] = (i * 31) >>> 3
  const startedAt = nowMs()
  while (nowMs() - startedAt < ms) {
    sampler.add(chunk)
    if (!stream.write(chunk)) await new Promise<void>((resolve) => stream.once('drain', resolve))
  }
  return { wrote: sampler.count, startedAt, sum: sampler.sum }
}

const nowMs = (): number => Number(process.hrtime.bigint() / 1000n) / 1000
const print = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`)
