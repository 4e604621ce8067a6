import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import { expect, onTestFinished, test } from 'vitest'
import { createTables, type Engine, startEngine } from '../../local/engine.ts'
import { trimStreamRecords } from '../../local/engine-records.ts'
import { createClient } from '../../shared/store/client.ts'

async function engineWithFile() {
  const data = mkdtempSync(join(tmpdir(), 'straightway-'))
  onTestFinished(() => rmSync(data, { recursive: true }))
  const engine = await startEngine({ data })
  onTestFinished(() => engine.close())
  const client = createClient(engine)
  await createTables(client)
  const file = join(data, 'tables.sqlite')
  const put = (i: number) => client.send(new PutCommand({ TableName: 'Users', Item: { user: `u${i % 50}` } }))
  return { engine, file, put }
}

/** Adds records of writes made `ageSeconds` ago, in the engine's format. */
function addRecords(file: string, count: number, ageSeconds = 0): void {
  const database = new DatabaseSync(file, { timeout: 5_000 })
  database
    .prepare(`
      WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
      INSERT INTO _stream_records (table_name, event_name, keys_json, sequence_number, shard_id, created_at)
      SELECT 'Users', 'MODIFY', '{"user":{"S":"u"}}', CAST(n + (SELECT COALESCE(MAX(id), 0) FROM _stream_records) AS TEXT),
             'shardId-00000001-Users', ? FROM numbers`)
    .run(count, Math.floor(Date.now() / 1000) - ageSeconds)
  database.close()
}

function recordsIn(file: string): number {
  const database = new DatabaseSync(file, { timeout: 5_000 })
  const { records } = database.prepare('SELECT COUNT(*) AS records FROM _stream_records').get() as {
    records: number
  }
  database.close()
  return records
}

/** Returns user and system time, in kernel ticks. */
function cpuTicks({ pid }: Engine): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return Number(fields[11]) + Number(fields[12])
}

test('fault 15: after 200,000 stream records a write costs the engine what it cost at first', async () => {
  const { engine, file, put } = await engineWithFile()
  const ticksOf = async (writes: number) => {
    const before = cpuTicks(engine)
    for (let i = 0; i < writes; i++) await put(i)
    return cpuTicks(engine) - before
  }
  await ticksOf(200)
  const first = await ticksOf(600)
  addRecords(file, 200_000)
  await ticksOf(200)
  const later = await ticksOf(600)
  // Ticks are 10 ms; two are within the noise.
  expect(later).toBeLessThanOrEqual(first * 1.3 + 2)
})

test('stream records are kept for a day, and the newest of a table for good: the next number is counted from it', async () => {
  const { file, put } = await engineWithFile()
  await put(1)
  addRecords(file, 10_000, 25 * 3600)
  expect(trimStreamRecords(file, Date.now())).toBe(9_999)
  expect(recordsIn(file)).toBe(2)
  await put(2)
  expect(trimStreamRecords(file, Date.now())).toBe(1)
  expect(recordsIn(file)).toBe(2)
  expect(trimStreamRecords(file, Date.now() + 25 * 3600_000)).toBe(1)
  expect(recordsIn(file)).toBe(1)
})
