/** Both sides of the file service, joined in memory, and a scripted sender. */
import { createHash } from 'node:crypto'
import { type Duplex, duplexPair, Readable } from 'node:stream'
import { type ReceiveOptions, receiveFiles } from '../../serve/receive-files.ts'
import { Records, type Value } from '../../serve/records.ts'
import { type SendOptions, sendFiles } from '../../serve/send-files.ts'
import { type Source, sourcesOf, streamSource } from '../../serve/sources.ts'
import { type PeerId, peerIdOf } from '../../shared/ids.ts'

export const SENDER: PeerId = peerIdOf(new Uint8Array(32).fill(3))
export const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex')

export interface Exchange {
  readonly sent: ReturnType<typeof sendFiles>
  readonly received: ReturnType<typeof receiveFiles>
  /** Ends both sides abruptly, like a broken tunnel. */
  readonly cut: () => void
}

/** Joins the real sender and the real receiver. */
export function exchange(
  sources: readonly Source[],
  receive: ReceiveOptions,
  send: SendOptions = {},
): Exchange {
  const [here, there] = duplexPair() as [Duplex, Duplex]
  const received = receiveFiles(there, { from: SENDER, ...receive })
  const sent = sendFiles({ createStream: async () => here }, sources, send)
  received.catch(() => {})
  sent.catch(() => {})
  return {
    sent,
    received,
    cut: () => {
      here.destroy()
      there.destroy()
    },
  }
}

export const transfer = async (paths: readonly string[], receive: ReceiveOptions) => {
  const { sent, received } = exchange((await sourcesOf(paths)).list, receive)
  return { sent: await sent, received: await received }
}

export const streamOf = (name: string, ...chunks: string[]): Source =>
  streamSource(name, Readable.from(chunks.map((chunk) => Buffer.from(chunk))))

/** Sends what a misbehaving sender might, and returns what the receiver made of it. */
export function saying(receive: ReceiveOptions, ...said: (Value | Buffer)[]) {
  const [here, there] = duplexPair() as [Duplex, Duplex]
  const records = new Records(here)
  const received = receiveFiles(there, { from: SENDER, ...receive })
  received.catch(() => {})
  const speak = async () => {
    for (const each of said) {
      if (Buffer.isBuffer(each)) await records.bytes(each)
      else await records.value(each)
    }
    here.end()
  }
  const answers = (async () => {
    const heard: Value[] = []
    for (;;) {
      const record = await records.next().catch(() => undefined)
      if (record === undefined) return heard
      if ('value' in record) heard.push(record.value)
    }
  })()
  speak().catch(() => {})
  return { received, answers, here }
}

export const offerOf = (facts: object = {}): Value => ({
  kind: 'offer',
  version: 2,
  name: 'a',
  entries: 1,
  bytes: 4,
  ...facts,
})

/** The records of a whole transfer of one file. */
export const oneFile = (path: string, bytes: string): (Value | Buffer)[] => [
  offerOf({ name: path, bytes: bytes.length }),
  { kind: 'file', path, size: bytes.length },
  Buffer.from(bytes),
  { kind: 'end', sha256: sha256(bytes) },
  { kind: 'done' },
]
