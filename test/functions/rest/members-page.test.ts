import { afterAll, beforeAll, expect, test } from 'vitest'
import { LIMITS } from '../../../shared/limits.ts'
import { createMemberships } from '../../../shared/store/memberships.ts'
import { forEach } from '../../../shared/store/pages.ts'
import { createPeers } from '../../../shared/store/peers.ts'
import { createUsers } from '../../../shared/store/users.ts'
import { type IndexUnderTest, startIndex } from './index-under-test.ts'
import { newDevice } from './society.ts'

let index: IndexUnderTest

beforeAll(async () => {
  index = await startIndex()
})
afterAll(() => index.close())

test('fault 11: a full page of members with presence costs at most 30 read units and 10 calls', async () => {
  const { client } = index
  const network = await index.network()
  const ann = await index.member({ [network]: 'member' }, 'Ann')
  await forEach(Array.from({ length: LIMITS.pageSize - 1 }), async () => {
    const { user } = await createUsers(client).create({ name: 'somebody' }, index.now())
    await createMemberships(client).put({ network, user, role: 'member' }, index.now())
    const { peer } = newDevice()
    await createPeers(client).bind({ peer, user, name: 'phone' }, index.now())
    await index.present({ peer, user }, { networks: [network], status: 'away' })
  })
  await index.settle(2)
  const { body, cost } = await index.measured(`GET /v1/networks/${network}/members`, { as: ann.ticket })
  expect(body.items).toHaveLength(LIMITS.pageSize)
  const away = body.items.filter((item: { presence: { status: string } }) => item.presence.status === 'away')
  expect(away).toHaveLength(LIMITS.pageSize - 1)
  console.log(JSON.stringify({ what: 'a page of 100 members', units: cost.units, calls: cost.calls }))
  expect(cost.units).toBeLessThanOrEqual(30)
  expect(cost.calls).toBeLessThanOrEqual(10)
})
