/**
 * The stream records in the engine's file. The engine finds the next sequence number of a table by looking at every record
 * of it, and never removes one, so each write to a streamed table would take longer than the last. Two indexes make that a
 * look-up, and records older than a day are removed, as DynamoDB does.
 */
import { DatabaseSync } from 'node:sqlite'

const KEPT_SECONDS = 24 * 3600
const EVERY_MS = 60_000
/** Records removed in one transaction. The engine waits meanwhile, so it is short. */
const AT_ONCE = 2_000
/** How long to wait for the engine's own transaction. */
const BUSY_MS = 5_000

const IS_THERE = "SELECT 1 FROM sqlite_schema WHERE name = '_stream_records'"
/** The engine asks for the greatest number of a table, for the records of a shard after a number, and for a shard's bounds. */
const INDEXES = `
  CREATE INDEX IF NOT EXISTS straightway_numbers ON _stream_records (table_name, CAST(sequence_number AS INTEGER));
  CREATE INDEX IF NOT EXISTS straightway_shards
    ON _stream_records (table_name, shard_id, CAST(sequence_number AS INTEGER), sequence_number);`
/** The newest of each table stays: the next number is counted from it. Ids grow with time, so the oldest are looked at only. */
const TRIM = `
  DELETE FROM _stream_records WHERE id IN (SELECT id FROM _stream_records ORDER BY id LIMIT ${AT_ONCE})
    AND created_at < ? AND id NOT IN (SELECT newest FROM (
      SELECT (SELECT id FROM _stream_records WHERE table_name = t.table_name
              ORDER BY CAST(sequence_number AS INTEGER) DESC LIMIT 1) AS newest FROM _tables t) WHERE newest IS NOT NULL)`

/** Does nothing to a file that the engine has not written yet. */
export function indexStreamRecords(file: string): void {
  const database = new DatabaseSync(file, { timeout: BUSY_MS })
  try {
    if (database.prepare(IS_THERE).get() !== undefined) database.exec(INDEXES)
  } finally {
    database.close()
  }
}

/** Removes what is older than a day. Returns how many records it removed. */
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

/** Trims once a minute, until it is told to end. */
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
