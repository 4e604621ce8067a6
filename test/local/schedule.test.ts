import { PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createSweep, startSchedule } from '../../local/schedule.ts'
import { startTables } from './tables-under-test.ts'

describe('a schedule', () => {
  test('calls its function again and again, never twice at once', async () => {
    let [running, most, calls] = [0, 0, 0]
    const thrice = Promise.withResolvers<void>()
    const handler = async () => {
      most = Math.max(most, ++running)
      await new Promise(setImmediate)
      running--
      if (++calls === 3) thrice.resolve()
    }
    const schedule = startSchedule({ name: 'test', everyMs: 1, handler })
    await thrice.promise
    await schedule.close()
    const after = calls
    await new Promise(setImmediate)
    expect([most, running, calls]).toEqual([1, 0, after])
  })

  test('goes on after a call that failed, which is logged', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue()
    onTestFinished(() => log.mockRestore())
    const again = Promise.withResolvers<void>()
    let calls = 0
    const handler = async () => {
      if (++calls === 1) throw new Error('broken')
      again.resolve()
    }
    const schedule = startSchedule({ name: 'test', everyMs: 1, handler })
    await again.promise
    await schedule.close()
    expect(log).toHaveBeenCalledExactlyOnceWith('test:', expect.objectContaining({ message: 'broken' }))
  })

  test('ends a pause when it is closed', async () => {
    const called = Promise.withResolvers<void>()
    const schedule = startSchedule({ name: 'test', everyMs: 1e9, handler: async () => called.resolve() })
    await called.promise
    await expect(schedule.close()).resolves.toBeUndefined()
  })
})

test('the sweep removes what has expired, from every table but the leases', async () => {
  const { client, close } = await startTables()
  onTestFinished(close)
  const items = [
    ['Mailbox', { peer: 'p', entry: 'old', expiresAtSeconds: 99 }],
    ['Mailbox', { peer: 'p', entry: 'new', expiresAtSeconds: 100 }],
    ['Connections', { connection: 'old', node: 'n', expiresAtSeconds: 1 }],
    ['Invites', { invite: 'old', network: 'n', expiresAtSeconds: 1 }],
    ['Invites', { invite: 'for ever', network: 'n' }],
    ['Fleet', { node: 'old', expiresAtSeconds: 1 }],
  ] as const
  for (const [TableName, Item] of items) await client.send(new PutCommand({ TableName, Item }))
  await createSweep(client)(100)
  const left = async (TableName: string) => (await client.send(new ScanCommand({ TableName }))).Items
  expect(await left('Mailbox')).toEqual([items[1][1]])
  expect(await left('Connections')).toEqual([])
  expect(await left('Invites')).toEqual([items[4][1]])
  expect(await left('Fleet')).toEqual([items[5][1]])
})
