/**
 * A tunnel under load, reported as JSON lines: numbered datagrams all the time, and one long stream beside them.
 *
 *   traffic.ts take INDEX INVITE HOME           prints {"peer"}; after each tunnel what arrived: {"datagrams", "doubled",
 *                                               "gaps", "streamBytes", "streamHash"}
 *   traffic.ts give INDEX INVITE HOME PEER MEGABYTES SECONDS
 *                                               prints {"path"} whenever it changes, and returns {"mark"}; when the stream is
 *                                               complete and {"enough"} was read, {"datagrams", "streamBytes", "streamHash"}
 *
 * `gaps` are the missing numbers, in runs: [first, how many]. The stream takes at least SECONDS, so that hazards hit it under
 * way.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { join, type PeerSocket } from '../../peer/index.ts'

const DATAGRAM_EVERY_MS = 5
const CHUNK = Buffer.alloc(64 * 1024, 'straightway ')

const [role, index, invite, home, to = '', megabytes = '', seconds = ''] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
]
const say = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`)

const peer = await join({ index, invite, home })
process.once('SIGTERM', () => peer.close().then(() => process.exit()))
if (role === 'take') take()
else await give(to, Number(megabytes) * 2 ** 20, Number(seconds) * 1000)

function take(): void {
  say({ peer: peer.peer })
  peer.on('offer', async (offer) => {
    const socket = await offer.accept()
    const came = count(socket)
    const [stream] = await once(socket, 'stream')
    const received = await digested(stream)
    await once(socket, 'close')
    say({ ...came(), ...received })
  })
}

interface Came {
  readonly datagrams: number
  readonly doubled: number
  readonly gaps: readonly (readonly [first: number, count: number])[]
}

/** Counts the datagrams that arrive. Returns a function that gives the counts so far. */
function count(socket: PeerSocket): () => Came {
  const seen = new Set<number>()
  let doubled = 0
  socket.on('message', (datagram) => {
    const number = datagram.readUInt32BE()
    if (seen.has(number)) doubled++
    seen.add(number)
  })
  return () => ({ datagrams: seen.size, doubled, gaps: gapsOf([...seen].sort((a, b) => a - b)) })
}

function gapsOf(sorted: readonly number[]): Came['gaps'] {
  const before = (i: number) => (i === 0 ? -1 : sorted[i - 1]!)
  const gaps = sorted.map((number, i) => [before(i) + 1, number - before(i) - 1] as const)
  return gaps.filter(([, missing]) => missing > 0)
}

async function digested(
  stream: Duplex,
): Promise<{ readonly streamBytes: number; readonly streamHash: string }> {
  const hash = createHash('sha256')
  let streamBytes = 0
  for await (const chunk of stream) {
    hash.update(chunk)
    streamBytes += chunk.length
  }
  stream.end()
  return { streamBytes, streamHash: hash.digest('hex') }
}

async function give(other: string, bytes: number, ms: number): Promise<void> {
  const socket = await peer.connect(other as never)
  socket.on('path', (path, why) => say({ path, why }))
  say({ path: socket.path })
  let datagrams = 0
  const timer = setInterval(() => {
    const datagram = Buffer.alloc(100)
    datagram.writeUInt32BE(datagrams++)
    socket.send(datagram)
  }, DATAGRAM_EVERY_MS)
  const { promise: enough, resolve: finish } = Promise.withResolvers<void>()
  createInterface({ input: process.stdin }).on('line', (line) => {
    const said: { readonly mark?: true } = JSON.parse(line)
    if (said.mark === undefined) finish()
    else say(said)
  })
  const sent = await written(await socket.createStream(), bytes, ms)
  await enough
  clearInterval(timer)
  await pause(DATAGRAM_EVERY_MS)
  say({ datagrams, ...sent })
  await new Promise<void>((resolve) => socket.close(resolve))
  await peer.close()
}

/** Writes the stream and waits until the other side has ended it too, which shows that it received everything. */
async function written(
  stream: Duplex,
  bytes: number,
  ms: number,
): Promise<{ readonly streamBytes: number; readonly streamHash: string }> {
  const hash = createHash('sha256')
  const pauseMs = (ms * CHUNK.length) / bytes
  let streamBytes = 0
  for (; streamBytes < bytes; streamBytes += CHUNK.length) {
    CHUNK.writeUInt32BE(streamBytes)
    hash.update(CHUNK)
    if (!stream.write(Buffer.from(CHUNK))) await once(stream, 'drain')
    await pause(pauseMs)
  }
  stream.end()
  stream.resume()
  await once(stream, 'end')
  return { streamBytes, streamHash: hash.digest('hex') }
}
