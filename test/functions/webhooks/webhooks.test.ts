/** Webhooks, from the change of a table to a real HTTP server that fails. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createObjects } from '../../../shared/store/objects.ts'
import { forEach } from '../../../shared/store/pages.ts'
import { type HookedIndex, startHookedIndex } from './hooked-index.ts'
import { failing } from './injected.ts'
import { type Receiver, startReceiver } from './receiver.ts'

let index: HookedIndex
const receivers: Receiver[] = []
const hooks: string[] = []

beforeAll(async () => {
  index = await startHookedIndex()
})
afterEach(async () => {
  for (const webhook of hooks.splice(0)) await admin(`DELETE /v1/webhooks/${webhook}`)
  await Promise.all(receivers.splice(0).map((receiver) => receiver.close()))
})
afterAll(() => index.close())

const admin = (door: string, body?: unknown) =>
  index.call(door, { as: index.admin, ...(body === undefined ? {} : { body }) })

/** A receiver and the webhook that posts to it. */
async function hooked(given: object) {
  const receiver = await startReceiver()
  receivers.push(receiver)
  const { status, body } = await admin('POST /v1/webhooks', { name: 'test', url: receiver.url, ...given })
  expect(status, JSON.stringify(body)).toBe(201)
  receiver.secrets.add(body.secret)
  hooks.push(body.webhook)
  // A process knows a new webhook after five seconds.
  index.pass(6_000)
  return { receiver, webhook: body.webhook as string, door: `/v1/webhooks/${body.webhook}` }
}

/** Lets the schedule run every ten minutes, until `enough`. */
async function runs(count: number, enough: () => boolean | Promise<boolean>): Promise<void> {
  for (let n = 0; n < count && !(await enough()); n++) {
    index.pass(600_000)
    await index.schedule()
  }
}

async function deliveriesOf(door: string, state?: string) {
  const found: { readonly state: string; readonly failure?: string; readonly delivery: string }[] = []
  let cursor: string | undefined
  do {
    const query = { limit: '20', ...(state && { state }), ...(cursor && { cursor }) }
    const { body } = await index.call(`GET ${door}/deliveries`, { as: index.admin, query })
    found.push(...body.items)
    cursor = body.cursor
  } while (cursor !== undefined)
  return found
}

test('tells what becomes of users, networks, members, peers and objects', async () => {
  const { receiver } = await hooked({ events: ['user.*', 'network.*', 'member.*', 'peer.*', 'object.*'] })
  const network = (await admin('POST /v1/networks', { name: 'told' })).body.network
  const ann = await index.member({ [network]: 'member' }, 'Ann')
  await admin(`PUT /v1/networks/${network}/members/${ann.user}`, { role: 'admin' })
  await admin(`PATCH /v1/users/${ann.user}`, { name: 'Anna' })
  await admin(`PUT /v1/objects/boards/b1?network=${network}`, { value: { level: 1 } })
  await admin(`PATCH /v1/objects/boards/b1?network=${network}`, { value: { level: 2 } })
  await admin(`DELETE /v1/objects/boards/b1?network=${network}`)
  await index.present(ann, { status: 'online', networks: [network] })
  await index.present(ann, { status: 'away', networks: [network] })
  await index.present(ann, { status: 'invisible', networks: [network] })
  await admin(`DELETE /v1/peers/${ann.peer}`)
  await admin(`DELETE /v1/networks/${network}/members/${ann.user}`)
  await admin(`DELETE /v1/users/${ann.user}`)
  await index.settled()
  const told = [...receiver.accepted.values()].map(({ event }) => event)
  const about = (subject: string) =>
    told
      .filter((event) => event.subject.startsWith(subject))
      .map(({ type }) => type.replace('straightway.', ''))
  expect(about(network).sort()).toEqual([
    'member.created',
    'member.deleted',
    'member.updated',
    'network.created',
  ])
  expect(about(ann.user).sort()).toEqual(['user.created', 'user.deleted', 'user.updated'])
  // `away` is no event, and invisible is offline to everybody.
  expect(about(ann.peer).sort()).toEqual(['peer.created', 'peer.offline', 'peer.online', 'peer.revoked'])
  expect(about('boards/').sort()).toEqual(['object.created', 'object.deleted', 'object.updated'])
  expect(receiver.counts).toMatchObject({ unsigned: 0, again: 0 })
  const online = told.find(({ type }) => type === 'straightway.peer.online')
  expect(online).toMatchObject({
    ...{ specversion: '1.0', source: 'straightway', datacontenttype: 'application/json' },
    ...{ id: expect.any(String), time: expect.stringMatching(/^\d{4}-.*Z$/) },
    data: { peer: ann.peer, user: ann.user, status: 'online' },
  })
})

test('tells only what a webhook asked for', async () => {
  const [mine, other] = [await index.network(), await index.network()]
  const { receiver } = await hooked({ events: ['object.created'], network: mine, collection: 'boards' })
  for (const network of [mine, other])
    for (const collection of ['boards', 'notes']) {
      await admin(`PUT /v1/objects/${collection}/a?network=${network}`, { value: {} })
      await admin(`PATCH /v1/objects/${collection}/a?network=${network}`, { value: { n: 1 } })
    }
  await index.settled()
  expect([...receiver.accepted.values()].map(({ event }) => event.subject)).toEqual([`boards/${mine}/a`])
})

test('loses nothing to a receiver that fails in every way, and sends nothing unsigned', async () => {
  const network = await index.network()
  const { receiver, door } = await hooked({ events: ['object.created'], network })
  receiver.fails(failing(0.3))
  const ids = Array.from({ length: 60 }, (_, n) => `o${n}`)
  const objects = createObjects(index.client)
  await forEach(ids, (id) => objects.create({ collection: 'many', id, network, value: {} }, index.now()))
  await index.settled()
  await runs(40, async () => (await deliveriesOf(door, 'waiting')).length === 0)
  const received = [...receiver.accepted.values()].map(({ event }) => event.data.id)
  expect(new Set(received)).toEqual(new Set(ids))
  expect(receiver.counts.unsigned).toBe(0)
  expect(await deliveriesOf(door, 'waiting')).toEqual([])
  expect(await deliveriesOf(door, 'delivered')).toHaveLength(ids.length)
})

test('gives up after two days, and sends again what is replayed', async () => {
  const network = await index.network()
  const { receiver, door } = await hooked({ events: ['object.created'], network })
  receiver.fails((_, response) => {
    response.writeHead(503).end()
    return true
  })
  for (const id of ['a', 'b']) await admin(`PUT /v1/objects/dead/${id}?network=${network}`, { value: {} })
  await index.settled()
  for (let hour = 0; hour < 72; hour++) {
    index.pass(3600_000)
    await index.schedule()
  }
  expect(await deliveriesOf(door, 'dead')).toEqual([
    expect.objectContaining({ attempts: 9, failure: 'it answered 503' }),
    expect.objectContaining({ attempts: 9 }),
  ])
  receiver.fails(() => false)
  const replay = (body: object) => admin(`POST ${door}/replays`, body)
  expect((await replay({ since: 0, until: 1 })).body).toEqual({ replayed: 0 })
  expect((await replay({ since: 0 })).body).toEqual({ replayed: 2 })
  await index.schedule()
  expect(receiver.accepted.size).toBe(2)
  // Delivered events are sent again only on request, with the same ids.
  expect((await replay({ since: 0 })).body).toEqual({ replayed: 0 })
  expect((await replay({ since: 0, states: ['delivered'] })).body).toEqual({ replayed: 2 })
  await index.schedule()
  expect(receiver.counts.again).toBe(2)
  expect(receiver.accepted.size).toBe(2)
})

test('a receiver that hangs does not delay another', async () => {
  const network = await index.network()
  const [slow, quick] = [
    await hooked({ events: ['object.created'], network }),
    await hooked({ events: ['object.created'], network }),
  ]
  slow.receiver.fails(() => true)
  const ids = Array.from({ length: 60 }, (_, n) => `o${n}`)
  const objects = createObjects(index.client)
  await forEach(ids, (id) => objects.create({ collection: 'slow', id, network, value: {} }, index.now()))
  await index.settled()
  // After a few failures the rest waits without counting an attempt.
  expect(slow.receiver.counts.posts).toBeLessThan(ids.length)
  await runs(15, () => quick.receiver.accepted.size === ids.length)
  expect(quick.receiver.accepted.size).toBe(ids.length)
  expect(slow.receiver.accepted.size).toBe(0)
  slow.receiver.fails(() => false)
  await runs(15, () => slow.receiver.accepted.size === ids.length)
  expect(slow.receiver.accepted.size).toBe(ids.length)
})

test('a receiver that is gone is not posted to again', async () => {
  const network = await index.network()
  const { receiver, door } = await hooked({ events: ['object.created'], network })
  receiver.fails((_, response) => {
    response.writeHead(410).end()
    return true
  })
  await admin(`PUT /v1/objects/gone/a?network=${network}`, { value: {} })
  await index.settled()
  expect((await admin(`GET ${door}`)).body.active).toBe(false)
  index.pass(6_000)
  await admin(`PUT /v1/objects/gone/b?network=${network}`, { value: {} })
  await index.settled()
  expect(receiver.counts.posts).toBe(1)
})

test('while a secret is replaced, both sign; after a day only the new one', async () => {
  const { receiver, door } = await hooked({ events: ['webhook.test'] })
  const old = [...receiver.secrets]
  const { secret } = (await admin(`POST ${door}/rotations`)).body
  expect(old).not.toContain(secret)
  const works = async (...secrets: string[]) => {
    receiver.secrets.clear()
    for (const each of secrets) receiver.secrets.add(each)
    const { delivery } = (await admin(`POST ${door}/tests`)).body
    await index.settled()
    return receiver.accepted.has(delivery)
  }
  expect(await works(...old)).toBe(true)
  expect(await works(secret)).toBe(true)
  index.pass(25 * 3600_000)
  expect(await works(...old)).toBe(false)
  expect(await works(secret)).toBe(true)
})

test('what the stream gives up is posted by the schedule', async () => {
  const elsewhere = await startHookedIndex({ posts: false })
  const receiver = await startReceiver()
  receivers.push(receiver)
  const as = elsewhere.admin
  const body = { name: 'unread', url: receiver.url, events: ['webhook.test'] }
  const made = await elsewhere.call('POST /v1/webhooks', { as, body })
  receiver.secrets.add(made.body.secret)
  await elsewhere.call(`POST /v1/webhooks/${made.body.webhook}/tests`, { as })
  await elsewhere.schedule()
  expect(receiver.counts.posts).toBe(0)
  elsewhere.pass(61_000)
  // Two runs at the same time post it once.
  await Promise.all([elsewhere.schedule(), elsewhere.schedule()])
  expect(receiver.counts.posts).toBe(1)
  expect(receiver.accepted.size).toBe(1)
  await elsewhere.close()
})

test('there are at most twenty', async () => {
  const answers = []
  for (let n = 0; n < 21; n++)
    answers.push(
      await admin('POST /v1/webhooks', { name: 'n', url: 'https://a.example/', events: ['user.*'] }),
    )
  for (const { body } of answers) if (body.webhook) hooks.push(body.webhook)
  expect(answers.map(({ status }) => status)).toEqual([...Array(20).fill(201), 413])
})
