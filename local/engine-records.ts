/**
 * Maintenance of the stream records in the engine's file. To find a table's next sequence number, the engine scans all
 * the table's records, and it never removes one. Each write to a streamed table would therefore be slower than the
 * last. Two indexes turn the scan into a lookup. Records older than a day are removed, as DynamoDB does.
 */
import { DatabaseSync } from 'node:sqlite'

const KEPT_SECONDS = 24 * 3600
const EVERY_MS = 60_000
/** Records that one transaction removes. The engine waits meanwhile, so the transaction must be short. */
const AT_ONCE = 2_000
/** Longest wait for the engine's own transaction. */
const BUSY_MS = 5_000

const IS_THERE = "SELECT 1 FROM sqlite_schema WHERE name = '_stream_records'"
/** Indexes for the engine's queries: the greatest number of a table, a shard's records after a number, a shard's bounds. */
const INDEXES = `
  CREATE INDEX IF NOT EXISTS straightway_numbers ON _stream_records (table_name, CAST(sequence_number AS INTEGER));
  CREATE INDEX IF NOT EXISTS straightway_shards
    ON _stream_records (table_name, shard_id, CAST(sequence_number AS INTEGER), sequence_number);`
/**
 * Deletes old records, except for the newest one of each table, from which the next number is counted. Ids grow with
 * time, so only the oldest records are examined.
 */
const TRIM = `
  DELETE FROM _stream_records WHERE id IN (SELECT id FROM _stream_records ORDER BY id LIMIT ${AT_ONCE})
    AND created_at < ? AND id NOT IN (SELECT newest FROM (
      SELECT (SELECT id FROM _stream_records WHERE table_name = t.table_name
              ORDER BY CAST(sequence_number AS INTEGER) DESC LIMIT 1) AS newest FROM _tables t) WHERE newest IS NOT NULL)`

/** Adds the indexes. Does nothing if the engine has not written the file yet. */
export function indexStreamRecords(file: string): void {
  const database = new DatabaseSync(file, { timeout: BUSY_MS })
  try {
    if (database.prepare(IS_THERE).get() !== undefined) database.exec(INDEXES)
  } finally {
    database.close()
  }
}

/** Removes records older than a day. Returns the number of removed records. */
export function trimStreamRecords(file: string, nowMs: number): number {
  const database = new DatabaseSync(file, { timeout: BUSY_MS })
  try {
    const trim = database.prepare(TRIM)
    let removed = 0
    for (let changes = AT_ONCE; changes >= AT_ONCE / 2; removed += changes)
      changes = Number(trim.run(Math.floor(nowMs / 1000) - KEPT_SECONDS).changes)
    return removed
  } finally {
    database.close()
  }
}

/** Trims once a minute. Returns a function that ends it. */
export function keepTrimmed(file: string, log: (line: string) => void): () => void {
  const timer = setInterval(() => {
    try {
      trimStreamRecords(file, Date.now())
    } catch (error) {
      log(`stream records were not trimmed: ${(error as Error).message}`)
    }
  }, EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}
