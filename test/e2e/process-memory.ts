/** Searches the memory of a process (Linux, same user). */
import { readFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

const CHUNK_BYTES = 1 << 20

/** Returns the texts that the writable memory of a process holds as UTF-8. It misses a text that spans two chunks. */
export async function foundInMemory(pid: number, texts: readonly string[]): Promise<Set<string>> {
  const sought = texts.map((text) => ({ text, bytes: Buffer.from(text) }))
  const found = new Set<string>()
  const chunk = Buffer.alloc(CHUNK_BYTES)
  const memory = await open(`/proc/${pid}/mem`, 'r')
  try {
    for (const at of chunksOf(pid)) {
      const part = chunk.subarray(0, await read(memory, chunk, at))
      for (const { text, bytes } of sought) if (part.includes(bytes)) found.add(text)
    }
  } finally {
    await memory.close()
  }
  return found
}

interface Chunk {
  readonly at: number
  readonly length: number
}

function* chunksOf(pid: number): Generator<Chunk> {
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? []
    const end = Number.parseInt(to ?? '0', 16)
    for (let at = Number.parseInt(from ?? '0', 16); at < end; at += CHUNK_BYTES)
      yield { at, length: Math.min(CHUNK_BYTES, end - at) }
  }
}

/** Reads a chunk. Some regions, such as those of devices, cannot be read. */
async function read(memory: FileHandle, into: Buffer, { at, length }: Chunk): Promise<number> {
  try {
    return (await memory.read(into, 0, length, at)).bytesRead
  } catch {
    return 0
  }
}
