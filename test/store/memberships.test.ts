import { randomBytes } from 'node:crypto'
import { UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { NetworkId } from '../../shared/ids.ts'
import { LIMITS } from '../../shared/limits.ts'
import { networkIdOf } from '../../shared/model/identifiers.ts'
import { createMemberships } from '../../shared/store/memberships.ts'
import { createNetworks } from '../../shared/store/networks.ts'
import { createUsers } from '../../shared/store/users.ts'
import { startTables, type TablesUnderTest } from '../local/tables-under-test.ts'

let tables: TablesUnderTest
const now = 1_000_000

beforeAll(async () => {
  tables = await startTables()
})
afterAll(() => tables.close())

const newUser = async () => (await createUsers(tables.client).create({ name: 'somebody' }, now)).user
const newNetwork = async () => (await createNetworks(tables.client).create({ name: 'network' }, now)).network

test('however many join at once, a user is in no more networks than anybody may be', async () => {
  const user = await newUser()
  const before = Array.from({ length: LIMITS.networksPerUser - 2 }, () => networkIdOf(randomBytes(10)))
  await tables.client.send(
    new UpdateCommand({
      TableName: 'Users',
      Key: { user },
      UpdateExpression: 'ADD networks :before',
      ExpressionAttributeValues: { ':before': new Set(before) },
    }),
  )
  const networks: NetworkId[] = []
  for (let i = 0; i < 8; i++) networks.push(await newNetwork())
  const joins = networks.map((network) =>
    createMemberships(tables.client).put({ network, user, role: 'guest' }, now),
  )
  const outcomes = await Promise.allSettled(joins)
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
  const found = await createUsers(tables.client).require(user)
  expect(found.networks).toHaveLength(LIMITS.networksPerUser)
  const joined = found.networks.filter((network) => !before.includes(network))
  expect([...(await createMemberships(tables.client).rolesOf(found)).keys()].sort()).toEqual(joined)
})

test('the membership, the list of the user and the count of owners agree', async () => {
  const [user, network] = [await newUser(), await newNetwork()]
  const state = async () => ({
    role: (await createMemberships(tables.client).get(network, user))?.role,
    networks: (await createUsers(tables.client).require(user)).networks,
    owners: (await createNetworks(tables.client).get(network))?.owners,
  })
  await createMemberships(tables.client).put({ network, user, role: 'guest' }, now)
  expect(await state()).toEqual({ role: 'guest', networks: [network], owners: 0 })
  await createMemberships(tables.client).put({ network, user, role: 'owner' }, now)
  expect(await state()).toEqual({ role: 'owner', networks: [network], owners: 1 })
  await expect(createMemberships(tables.client).remove(network, user)).rejects.toMatchObject({
    code: 'conflict',
  })
  expect(await state()).toEqual({ role: 'owner', networks: [network], owners: 1 })
  await createMemberships(tables.client).remove(network, user, { lastOwnerToo: true })
  expect(await state()).toEqual({ role: undefined, networks: [], owners: 0 })
})

test('of owners who leave at once, one stays', async () => {
  const network = await newNetwork()
  const owners = await Promise.all([1, 2, 3].map(newUser))
  for (const user of owners) await createMemberships(tables.client).put({ network, user, role: 'owner' }, now)
  const outcomes = await Promise.allSettled(
    owners.map((user) => createMemberships(tables.client).remove(network, user)),
  )
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1)
  expect((await createNetworks(tables.client).get(network))?.owners).toBe(1)
})

test('nobody joins what is not there', async () => {
  const user = await newUser()
  const network = 'n_aaaaaaaaaaaaaaaa' as NetworkId
  const join = createMemberships(tables.client).put({ network, user, role: 'guest' }, now)
  await expect(join).rejects.toMatchObject({ code: 'not-found', message: 'There is no such network' })
  expect((await createUsers(tables.client).require(user)).networks).toEqual([])
})
