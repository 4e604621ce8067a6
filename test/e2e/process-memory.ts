/** Searches the memory of a process (Linux, same user). */
import { readFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { formsIn } from './canaries.ts'

const CHUNK_BYTES = 1 << 20
/** Chunks overlap by this much, so that no form is cut in two. */
const OVERLAP_BYTES = 4096

/** Returns the names of the forms that the writable memory of a process contains. */
export async function formsInMemory(pid: number, forms: ReadonlyMap<string, Buffer>): Promise<Set<string>> {
  const found = new Set<string>()
  const chunk = Buffer.alloc(CHUNK_BYTES + OVERLAP_BYTES)
  const memory = await open(`/proc/${pid}/mem`, 'r')
  const pages = await open(`/proc/${pid}/pagemap`, 'r')
  try {
    for (const at of chunksOf(pid)) {
      if (!(await isUsed(pages, at))) continue
      const part = chunk.subarray(0, await read(memory, chunk, at))
      for (const name of formsIn(part, forms)) found.add(name)
    }
  } finally {
    await memory.close()
    await pages.close()
  }
  return found
}

const PAGE_BYTES = 4096
/** Bytes of an entry of the page map. The two highest bits say that the page is in memory, and that it is swapped out. */
const ENTRY_BYTES = 8

/** True if the process has ever touched a page of the chunk. V8 reserves gigabytes that it never touches. */
async function isUsed(pages: FileHandle, { at, length }: Chunk): Promise<boolean> {
  const map = Buffer.alloc(Math.ceil(length / PAGE_BYTES) * ENTRY_BYTES)
  const { bytesRead } = await pages.read(map, 0, map.length, (at / PAGE_BYTES) * ENTRY_BYTES)
  for (let i = ENTRY_BYTES - 1; i < bytesRead; i += ENTRY_BYTES) if (map[i]! >= 0x40) return true
  return false
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
      yield { at, length: Math.min(CHUNK_BYTES + OVERLAP_BYTES, end - at) }
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
