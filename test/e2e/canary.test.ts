/**
 * Searches for the content of peers' traffic wherever others could find it: in the memory of every node and relay while it is
 * in flight, in the tables, in the logs of the nodes, and in the data folder.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as pathOf } from 'node:path'
import { ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { paginateScan } from '@aws-sdk/lib-dynamodb'
import { afterAll, expect, test } from 'vitest'
import { createClient } from '../../shared/store/client.ts'
import { foundInMemory } from './process-memory.ts'
import { heard, systemUnderTest } from './system-under-test.ts'

const data = mkdtempSync(pathOf(tmpdir(), 'straightway-canary-'))
afterAll(() => rmSync(data, { recursive: true, force: true }))
const said: string[] = []
const { system, joinAt, join } = await systemUnderTest({ data, log: (line) => said.push(line) })
const client = createClient({ endpoint: system.dynamodb })
afterAll(() => client.destroy())

/** A unique text. The process id distinguishes it from what an earlier run may have left in memory. */
const canary = (name: string) => `canary-${name}-${process.pid}`
const [live, away, intent, reason] = [canary('live'), canary('away'), canary('intent'), canary('reason')]
/** A status is public, so finding it shows that the search works. */
const custom = canary('status')

test('what peers say to each other is in no node, table, log or file, and arrives', async () => {
  const ada = await joinAt(0, { custom })
  const ben = await joinAt(1)
  const identity = new Uint8Array(32).fill(7)
  const absent = await join({ identity })
  await absent.close()

  const arrived = heard(ben, 'message')
  await ada.send(ben.peer, live)
  expect((await arrived)[0].text).toBe(live)
  expect(await ada.send(absent.peer, away)).toBe('stored')
  ben.on('offer', (offer) => {
    expect(offer.intent).toBe(intent)
    offer.refuse(reason)
  })
  await expect(ada.connect(ben.peer, { intent })).rejects.toMatchObject({ code: 'refused', message: reason })

  const kept = [await tables(), folder(data), Buffer.from(said.join('\n'))]
  const secrets = [live, away, intent, reason]
  for (const secret of secrets) for (const bytes of kept) expect(bytes.includes(secret)).toBe(false)
  expect(kept[0]!.includes(custom)).toBe(true)
  expect(kept[1]!.includes(custom)).toBe(true)

  const processes = [...system.nodes, ...system.relays].map(({ pid }) => pid)
  const found = new Set<string>()
  for (const pid of processes)
    for (const text of await foundInMemory(pid, [...secrets, custom])) found.add(text)
  expect([...found]).toEqual([custom])

  const back = await join({ identity })
  expect((await heard(back, 'message'))[0].text).toBe(away)
})

/** Returns the content of all tables. */
async function tables(): Promise<Buffer> {
  const { TableNames = [] } = await client.send(new ListTablesCommand({}))
  const items: Buffer[] = []
  for (const TableName of TableNames)
    for await (const { Items = [] } of paginateScan({ client }, { TableName }))
      for (const item of Items) items.push(Buffer.from(JSON.stringify(item)), ...binariesOf(item))
  return Buffer.concat(items)
}

const binariesOf = (item: Record<string, unknown>): Buffer[] =>
  Object.values(item).flatMap((value) => (value instanceof Uint8Array ? [Buffer.from(value)] : []))

/** Returns the content of all files of a folder. */
function folder(path: string): Buffer {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return Buffer.concat(files.map(({ parentPath, name }) => readFileSync(pathOf(parentPath, name))))
}
