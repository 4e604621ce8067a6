/** The view that blocked users and peers have of the user who blocks them. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type IndexUnderTest, startIndex } from './index-under-test.ts'

let index: IndexUnderTest

beforeAll(async () => {
  index = await startIndex()
})
afterAll(() => index.close())

test.each([
  'user',
  'peer',
] as const)('a blocked %s sees the blocker as offline, in every answer and whatever it does', async (by) => {
  const network = await index.network()
  const [ann, ben] = [await index.member({ [network]: 'member' }), await index.member({ [network]: 'owner' })]
  await index.present(ann, { networks: [network], custom: 'here' })
  await index.call(`PUT /v1/users/${ann.user}/blocks/${ben[by]}`, { as: ann.ticket })
  const seenBy = async (viewer: typeof ben) => {
    await index.settle()
    const get = async (path: string, query = {}) => {
      const { body } = await index.call(`GET ${path}`, { as: viewer.ticket, query })
      return (body.items ?? [body]).filter(({ user }: { user: string }) => user === ann.user)
    }
    const filters = ['status eq "online"', 'status eq "offline"', 'not (status eq "away")']
    return {
      user: (await get(`/v1/users/${ann.user}`)).length,
      peer: (await get(`/v1/peers/${ann.peer}`))[0].presence,
      peers: (await get('/v1/peers', { filter: `user eq "${ann.user}"` }))[0].presence,
      members: (await get(`/v1/networks/${network}/members`))[0].presence,
      found: (await Promise.all(filters.map((filter) => get('/v1/peers', { filter })))).map(
        ({ length }) => length,
      ),
    }
  }
  const seen = await seenBy(ben)
  const hidden = { status: 'offline', custom: '', lastSeenAt: expect.any(Number) }
  const presence = { ...hidden, metadata: {}, since: 0, version: 0 }
  expect(seen).toEqual({ user: 1, peer: presence, peers: presence, members: hidden, found: [0, 0, 0] })
  await index.present(ann, { networks: [network], status: 'away', version: 2 })
  expect(await seenBy(ben)).toEqual(seen)
  expect((await seenBy(ann)).members).toMatchObject({ status: 'away', peer: ann.peer })
})
