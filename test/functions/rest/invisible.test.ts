/** The view of an invisible peer by others: the same as if it had left when it became invisible. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SigningIn } from '../../../shared/directory.ts'
import type { NodeId } from '../../../shared/ids.ts'
import { type IndexUnderTest, startIndex } from './index-under-test.ts'

let index: IndexUnderTest

beforeAll(async () => {
  index = await startIndex()
})
afterAll(() => index.close())

const NODE = 'node_aaaaaaaa' as NodeId

test('an invisible peer is seen as it was last, in every answer and whatever it does', async () => {
  const network = await index.network()
  const [ann, ben] = [await index.member({ [network]: 'member' }), await index.member({ [network]: 'owner' })]
  const start = Date.now()
  const visible: SigningIn = {
    ...{ peer: ann.peer, user: ann.user, node: NODE, status: 'online', custom: 'here' },
    ...{ metadata: { game: 'chess' }, since: start, version: 1, lastSeenAt: start },
  }
  const { directory } = index
  const update = (item: SigningIn) =>
    directory.ask({ kind: 'update', item: { ...item, networks: [network], blocks: 0 } })
  const seenBy = async (viewer: { readonly ticket: string }) => {
    await index.settle()
    const get = async (path: string, query = {}) => {
      const { body } = await index.call(`GET ${path}`, { as: viewer.ticket, query })
      return (body.items ?? [body]).filter(({ user }: { user: string }) => user === ann.user)
    }
    const filters = [
      'status eq "online"',
      'status eq "offline"',
      `lastSeenAt gt ${start + 1500}`,
      'custom pr',
    ]
    return {
      peer: (await get(`/v1/peers/${ann.peer}`))[0],
      peers: (await get('/v1/peers', { filter: `user eq "${ann.user}"` }))[0],
      user: await get(`/v1/users/${ann.user}`),
      members: (await get(`/v1/networks/${network}/members`))[0],
      member: (await index.call(`GET /v1/networks/${network}/members/${ann.user}`, { as: viewer.ticket }))
        .body,
      found: await Promise.all(filters.map((filter) => get('/v1/peers', { filter }))),
      search: await get('/v1/search', { entity: 'peer', filter: `user eq "${ann.user}"` }),
    }
  }
  expect(await directory.ask({ kind: 'signIn', item: visible })).toMatchObject({ outcome: 'taken' })
  await update(visible)
  expect((await seenBy(ben)).peer.presence).toMatchObject({ status: 'online', custom: 'here' })

  const gone = { ...visible, status: 'invisible', version: 2, lastSeenAt: start + 1000 } as const
  await update(gone)
  const seen = await seenBy(ben)
  const presence = { status: 'offline', custom: '', metadata: {}, since: start, lastSeenAt: start + 1000 }
  expect(seen.peer.presence).toMatchObject(presence)
  expect(seen.members.presence).toMatchObject({ status: 'offline', custom: '', lastSeenAt: start + 1000 })
  expect(seen.found.map(({ length }) => length)).toEqual([0, 1, 0, 0])

  await update({ ...gone, custom: 'thinking', metadata: {}, version: 3, lastSeenAt: start + 2000 })
  expect(await seenBy(ben)).toEqual(seen)
  await directory.ask({ kind: 'signOut', peer: ann.peer, node: NODE, since: start, lastSeenAt: start + 3000 })
  expect(await seenBy(ben)).toEqual(seen)
  const again = { ...gone, since: start + 4000, version: 1, lastSeenAt: start + 4000 }
  expect(await directory.ask({ kind: 'signIn', item: again })).toMatchObject({ outcome: 'taken' })
  expect(await seenBy(ben)).toEqual(seen)
  await update({ ...again, version: 2, lastSeenAt: start + 5000 })
  expect(await seenBy(ben)).toEqual(seen)
  expect((await seenBy(ann)).peer.presence).toMatchObject({ status: 'invisible' })
})
