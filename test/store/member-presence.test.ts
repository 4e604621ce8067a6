import { afterAll, beforeAll, expect, test } from 'vitest'
import { indexRecord } from '../../shared/store/indexing.ts'
import { seenMembers } from '../../shared/store/member-presence.ts'
import { createMemberships } from '../../shared/store/memberships.ts'
import { createNetworks } from '../../shared/store/networks.ts'
import { createUsers } from '../../shared/store/users.ts'
import { startTables, type TablesUnderTest } from '../local/tables-under-test.ts'

let tables: TablesUnderTest
beforeAll(async () => {
  tables = await startTables()
})
afterAll(() => tables.close())

test.each([
  'Ann',
  'ÉMILE Ångström',
  'Σίσυφος',
  'X'.repeat(64),
])('a member is shown by its name as it was given, although the index compares names without case: %s', async (name) => {
  const { client } = tables
  const { network } = await createNetworks(client).create({ name: 'n' }, 1)
  const { user } = await createUsers(client).create({ name }, 1)
  await createMemberships(client).put({ network, user, role: 'member' }, 1)
  const shown = async () => (await seenMembers(client, network, [user])).get(user)?.name
  expect(await shown()).toBe(name)
  await indexRecord(client, { entity: 'user' }, user)
  expect(await shown()).toBe(name)
})
