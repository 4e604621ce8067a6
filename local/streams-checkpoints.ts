/** Checkpoints of each mapping in each shard: the sequence number of the last record that was handled or given up. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Checkpoints {
  /** Checkpoints of a mapping. `stream` is an ARN: a new stream of the same table starts from the beginning. */
  of(mapping: string, stream: string): StreamCheckpoints
  /** Resolves when all checkpoints are on disk. */
  close(): Promise<void>
}

export interface StreamCheckpoints {
  get(shard: string): string | undefined
  keep(shard: string, sequenceNumber: string): Promise<void>
}

/** Sequence numbers by `mapping stream shard`. */
type Kept = Record<string, string>

export async function openCheckpoints(data: string | undefined): Promise<Checkpoints> {
  const file = data === undefined ? undefined : join(data, 'checkpoints.json')
  const kept: Kept = file === undefined ? {} : await readKept(file)
  let writing = Promise.resolve()
  let dirty = false

  /** Writes the file. Batches that end at the same time share one write. */
  function flush(): Promise<void> {
    if (file === undefined || dirty) return writing
    dirty = true
    writing = writing.then(async () => {
      dirty = false
      await replace(file, JSON.stringify(kept))
    })
    return writing
  }

  return {
    of: (mapping, stream) => ({
      get: (shard) => kept[`${mapping} ${stream} ${shard}`],
      keep(shard, sequenceNumber) {
        kept[`${mapping} ${stream} ${shard}`] = sequenceNumber
        return flush()
      },
    }),
    close: () => writing,
  }
}

/** Reads the file. If it is missing or truncated, every record is delivered again and none is lost. */
async function readKept(file: string): Promise<Kept> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Kept
  } catch {
    return {}
  }
}

async function replace(file: string, text: string): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(`${file}.new`, text, { mode: 0o600 })
  await rename(`${file}.new`, file)
}
