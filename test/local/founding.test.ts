import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { foundSystem } from '../../local/founding.ts'
import { createApiKeys } from '../../shared/store/api-keys.ts'
import { createInvites } from '../../shared/store/invites.ts'
import { startTables, type TablesUnderTest } from './tables-under-test.ts'

let tables: TablesUnderTest
let data: string

beforeAll(async () => {
  tables = await startTables()
  data = mkdtempSync(join(tmpdir(), 'founding-'))
})
afterAll(async () => {
  await tables.close()
  rmSync(data, { recursive: true })
})

test('every start says the same key, network and invite', async () => {
  const first = await foundSystem(tables.client, data)
  expect(await foundSystem(tables.client, data)).toEqual(first)
})

test('fault 10: a start says no key that was deleted, and no invite that was taken back', async () => {
  const { client } = tables
  const [keys, invites] = [createApiKeys(client), createInvites(client)]
  const before = await foundSystem(client, data)
  await keys.create({ name: 'other', role: 'admin' }, Date.now())
  await keys.delete(before.adminKey.split('_')[1]!, Date.now())
  const after = await foundSystem(client, data)
  expect(after).toMatchObject({ network: before.network, invite: before.invite })
  expect(await keys.authenticate(before.adminKey, Date.now())).toBeUndefined()
  expect(await keys.authenticate(after.adminKey, Date.now())).toMatchObject({ role: 'admin' })
  await invites.delete(await invites.requireByCode(after.invite), Date.now())
  const last = await foundSystem(client, data)
  expect(last).toMatchObject({ network: before.network, adminKey: after.adminKey })
  expect(await invites.requireByCode(last.invite)).toMatchObject({ network: before.network, used: 0 })
})
