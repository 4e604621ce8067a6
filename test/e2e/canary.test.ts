/**
 * Searches for the content of peers' traffic in the parts of a whole system: the memory of every node and relay, the tables, the
 * logs of the nodes, and the data folder. `canary-everywhere.test.ts` searches what passes between them.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as pathOf } from 'node:path'
import { ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { paginateScan } from '@aws-sdk/lib-dynamodb'
import { afterAll, expect, test } from 'vitest'
import { createClient } from '../../shared/store/client.ts'
import { formsIn, formsOf } from './canaries.ts'
import { formsInMemory } from './process-memory.ts'
import { heard, systemUnderTest } from './system-under-test.ts'

const data = mkdtempSync(pathOf(tmpdir(), 'straightway-canary-'))
afterAll(() => rmSync(data, { recursive: true, force: true }))
const said: string[] = []
const { system, joinAt, join } = await systemUnderTest({ data, log: (line) => said.push(line) })
const client = createClient({ endpoint: system.dynamodb })
afterAll(() => client.destroy())

/** Every secret text contains this. The process id distinguishes it from what an earlier run may have left in memory. */
const canary = `nightingale-${process.pid}-`
const [live, away, intent, reason] = ['live', 'away', 'intent', 'reason'].map(
  (what) => `${canary}${what}`,
) as [string, string, string, string]
/** A status is public, so finding it shows that the search works. */
const custom = `sparrow-${process.pid}`

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
  const [secret, known] = [formsOf(canary), formsOf(custom)]
  for (const bytes of kept) expect(formsIn(bytes, secret)).toEqual([])
  expect(kept[0]!.includes(custom)).toBe(true)
  expect(kept[1]!.includes(custom)).toBe(true)

  const processes = [...system.nodes, ...system.relays].map(({ pid }) => pid)
  const found = new Set<string>()
  for (const pid of processes) {
    expect(await formsInMemory(pid, secret)).toEqual(new Set())
    for (const form of await formsInMemory(pid, known)) found.add(form)
  }
  expect(found).toContain('UTF-8')

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
