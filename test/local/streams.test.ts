import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DynamoDBRecord } from 'aws-lambda'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { startEngine } from '../../local/engine.ts'
import { startStreams } from '../../local/streams.ts'
import type { FailedBatch, StreamHandler } from '../../local/streams-delivery.ts'
import { createTables } from '../../local/tables.ts'
import type { PeerId, UserId } from '../../shared/ids.ts'
import { createClient } from '../../shared/store/client.ts'
import { createMailbox } from '../../shared/store/mailbox.ts'
import { mapMail, nameOf, noting, tablesWithMail } from './streams-under-test.ts'

const quick = { pauseMs: 1, longestPauseMs: 2, retries: 3 }
const is = (name: string) => (record: DynamoDBRecord) => nameOf(record) === name

describe('a mapping', () => {
  test('hands over every change as an event with both images', async () => {
    const mail = await tablesWithMail()
    const records: DynamoDBRecord[] = []
    const handler: StreamHandler = async ({ Records }) => void records.push(...Records)
    await mail.put('a/1', 7)
    await mail.change('a/1', 8)
    await mail.remove('a/1')
    await (await mapMail(mail, handler)).drain()
    expect(records.map(({ eventName }) => eventName)).toEqual(['INSERT', 'MODIFY', 'REMOVE'])
    expect(records[0]).toMatchObject({
      eventSource: 'aws:dynamodb',
      eventSourceARN: expect.stringContaining(':table/Mailbox/stream/'),
      dynamodb: {
        Keys: { peer: { S: 'a' }, entry: { S: '1' } },
        NewImage: { value: { N: '7' }, body: { B: 'AQID' } },
        StreamViewType: 'NEW_AND_OLD_IMAGES',
      },
    })
    expect(records[1]?.dynamodb).toMatchObject({
      OldImage: { value: { N: '7' } },
      NewImage: { value: { N: '8' } },
    })
    expect(records[2]?.dynamodb?.NewImage).toBeUndefined()
    const createdAt = records[0]!.dynamodb!.ApproximateCreationDateTime! * 1000
    expect(Math.abs(Date.now() - createdAt)).toBeLessThan(10_000)
  })

  test('keeps the order of each key over many batches', async () => {
    const mail = await tablesWithMail()
    const seen = new Map<string, number[]>()
    const handler: StreamHandler = async ({ Records }) => {
      for (const record of Records) {
        const values = seen.get(nameOf(record)) ?? []
        seen.set(nameOf(record), [...values, Number(record.dynamodb?.NewImage?.value?.N)])
      }
      return undefined
    }
    const streams = await mapMail(mail, handler, { policy: { batchSize: 7 } })
    const keys = ['a/1', 'b/1', 'c/1', 'd/1']
    await Promise.all(
      keys.map(async (key) => {
        for (let value = 0; value < 25; value++) await mail.put(key, value)
      }),
    )
    await streams.drain()
    const ordered = Array.from({ length: 25 }, (_, i) => i)
    expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(keys.map((key) => [key, ordered])))
  })

  test('learns of what is written while it is idle', async () => {
    const mail = await tablesWithMail()
    const { handler, handled } = noting()
    await mapMail(mail, handler)
    await mail.put('a/1')
    await expect.poll(() => handled, { interval: 5 }).toEqual(['a/1'])
  })

  test('serves two functions of one table independently', async () => {
    const mail = await tablesWithMail()
    const [good, bad] = [noting(), noting(() => true)]
    const mappings = [
      { table: 'Mailbox', name: 'good', handler: good.handler },
      { table: 'Mailbox', name: 'bad', handler: bad.handler },
    ] as const
    const onFailure = vi.fn<(failed: FailedBatch) => void>()
    const streams = await mapMail(mail, good.handler, { mappings, policy: quick, onFailure })
    await mail.put('a/1')
    await streams.drain()
    expect(good.handled).toEqual(['a/1'])
    expect(onFailure.mock.calls.map(([{ name }]) => name)).toEqual(['bad'])
  })
})

describe('a handler that fails', () => {
  test.each([
    'throws',
    'names',
  ] as const)('(%s) gets its records again, in order, until they are handled', async (how) => {
    const mail = await tablesWithMail()
    let failures = 4
    const { handler, handled } = noting((record) => nameOf(record) === 'a/3' && failures-- > 0, how)
    for (const entry of ['1', '2', '3', '4', '5']) await mail.put(`a/${entry}`)
    const onFailure = vi.fn<(failed: FailedBatch) => void>()
    await (await mapMail(mail, handler, { policy: quick, onFailure })).drain()
    expect(handled).toEqual(['a/1', 'a/2', 'a/3', 'a/4', 'a/5'])
    expect(onFailure).not.toHaveBeenCalled()
  })

  test('is given halves until the record that fails stands alone', async () => {
    const mail = await tablesWithMail()
    const { handler, batches, handled } = noting(is('a/3'), 'throws')
    for (const entry of ['1', '2', '3', '4']) await mail.put(`a/${entry}`)
    const onFailure = vi.fn<(failed: FailedBatch) => void>()
    await (await mapMail(mail, handler, { policy: { ...quick, retries: 1 }, onFailure })).drain()
    expect(batches).toEqual([
      ['a/1', 'a/2', 'a/3', 'a/4'],
      ['a/1', 'a/2'],
      ['a/3', 'a/4'],
      ['a/3'],
      ['a/3'],
      ['a/4'],
    ])
    expect(handled).toEqual(['a/1', 'a/2', 'a/4'])
    expect(onFailure.mock.calls).toMatchObject([
      [{ name: 'test', reason: 'retries exhausted', error: { message: 'cannot handle a/3' } }],
    ])
    expect(onFailure.mock.calls[0]![0].records.map(nameOf)).toEqual(['a/3'])
  })

  test('does not get again what it handled before the record it names', async () => {
    const mail = await tablesWithMail()
    let failing = true
    const { handler, batches } = noting((record) => {
      const fails = failing && nameOf(record) === 'a/3'
      if (fails) failing = false
      return fails
    })
    for (const entry of ['1', '2', '3']) await mail.put(`a/${entry}`)
    await (await mapMail(mail, handler, { policy: quick })).drain()
    expect(batches).toEqual([['a/1', 'a/2', 'a/3'], ['a/3']])
  })

  test('moves the checkpoint to the lowest of several records it names', async () => {
    const mail = await tablesWithMail()
    const batches: string[][] = []
    const handler: StreamHandler = async ({ Records }) => {
      batches.push(Records.map(nameOf))
      const failed = batches.length > 1 ? [] : [Records[2]!, Records[1]!]
      return {
        batchItemFailures: failed.map(({ dynamodb }) => ({ itemIdentifier: dynamodb!.SequenceNumber! })),
      }
    }
    for (const entry of ['1', '2', '3']) await mail.put(`a/${entry}`)
    await (await mapMail(mail, handler, { policy: quick })).drain()
    expect(batches).toEqual([['a/1', 'a/2', 'a/3'], ['a/2'], ['a/3']])
  })

  test('gets the whole batch again when it names a record that is not in it', async () => {
    const mail = await tablesWithMail()
    const batches: string[][] = []
    const handler: StreamHandler = async ({ Records }) => {
      batches.push(Records.map(nameOf))
      return { batchItemFailures: batches.length > 1 ? [] : [{ itemIdentifier: 'nonsense' }] }
    }
    for (const entry of ['1', '2']) await mail.put(`a/${entry}`)
    await (await mapMail(mail, handler, { policy: quick })).drain()
    expect(batches).toEqual([['a/1', 'a/2'], ['a/1'], ['a/2']])
  })

  test('fails when it takes too long', async () => {
    const mail = await tablesWithMail()
    const onFailure = vi.fn<(failed: FailedBatch) => void>()
    const policy = { ...quick, retries: 0, timeoutMs: 20 }
    await mail.put('a/1')
    await (await mapMail(mail, () => new Promise(() => {}), { policy, onFailure })).drain()
    expect(onFailure.mock.calls).toMatchObject([[{ error: { code: 'timeout' } }]])
  })

  test('is not given records that are too old', async () => {
    const mail = await tablesWithMail()
    const { handler, batches } = noting()
    const onFailure = vi.fn<(failed: FailedBatch) => void>()
    await mail.put('a/1')
    await (await mapMail(mail, handler, { policy: { ...quick, maxAgeMs: -60_000 }, onFailure })).drain()
    expect(batches).toEqual([])
    expect(onFailure.mock.calls).toMatchObject([[{ reason: 'too old' }]])
  })

  test('is seen in the log where nobody else takes what it gave up', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue()
    onTestFinished(() => log.mockRestore())
    const mail = await tablesWithMail()
    await mail.put('a/1')
    await (await mapMail(mail, noting(() => true).handler, { policy: { ...quick, retries: 0 } })).drain()
    const [line] = log.mock.calls[0]!
    expect(line).toMatch(/^test: gave up 1 record\(s\), retries exhausted: /)
    expect(JSON.parse(String(line).slice(String(line).indexOf('{')))).toEqual({
      peer: { S: 'a' },
      entry: { S: '1' },
    })
    expect(log).toHaveBeenCalledOnce()
  })
})

describe('a restart', () => {
  async function dataFolder(): Promise<string> {
    const data = await mkdtemp(join(tmpdir(), 'straightway-'))
    onTestFinished(() => rm(data, { recursive: true }))
    return data
  }

  test('goes on at the checkpoint, without loss and without repeating what was handled', async () => {
    const data = await dataFolder()
    const mail = await tablesWithMail()
    const [before, after] = [noting(), noting()]
    const first = await mapMail(mail, before.handler, { data })
    await mail.put('a/1')
    await first.drain()
    await first.close()
    await mail.put('a/2')
    const second = await mapMail(mail, after.handler, { data })
    await mail.put('a/3')
    await second.drain()
    expect(before.handled).toEqual(['a/1'])
    expect(after.handled).toEqual(['a/2', 'a/3'])
  })

  test('in the middle of a failing batch takes up the record that failed', async () => {
    const data = await dataFolder()
    const mail = await tablesWithMail()
    for (const entry of ['1', '2', '3']) await mail.put(`a/${entry}`)
    const stuck = noting(is('a/2'))
    const first = await mapMail(mail, stuck.handler, { data, policy: { ...quick, retries: 1e6 } })
    await expect.poll(() => stuck.batches.length, { interval: 1 }).toBeGreaterThan(4)
    await first.close()
    const after = noting()
    await (await mapMail(mail, after.handler, { data })).drain()
    expect([stuck.handled, after.handled]).toEqual([['a/1'], ['a/2', 'a/3']])
  })

  test('of the whole machine loses nothing', async () => {
    const data = await dataFolder()
    const [peer, user] = ['p' as PeerId, 'u_aaaaaaaaaaaaaaaa' as UserId]
    const number = { epoch: 1, previous: 0, previousIsStored: false }
    const message = { from: peer, ...number, sentAt: 1, body: Uint8Array.of(1) }
    const seen: string[] = []
    const handler: StreamHandler = async ({ Records }) => void seen.push(...Records.map(nameOf))
    for (let boot = 1; boot <= 3; boot++) {
      const engine = await startEngine({ data })
      const client = createClient(engine)
      await createTables(client)
      const mappings = [{ table: 'Mailbox', name: 'test', handler }] as const
      const streams =
        boot === 2 ? undefined : await startStreams({ endpoint: engine.endpoint, mappings, data })
      await createMailbox(client).store({ peer, user, message: { ...message, sequence: boot } }, 1)
      await streams?.drain()
      await streams?.close()
      client.destroy()
      await engine.close()
    }
    expect(seen.map((name) => Number(name.slice(-10)))).toEqual([1, 2, 3])
  })
})
