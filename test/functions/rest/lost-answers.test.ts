/**
 * Every POST that is sent again because its answer was lost is recognised. It gets the first answer again, and creates
 * nothing twice.
 */
import { paginateScan } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROUTES } from '../../../functions/rest/routes.ts'
import type { NetworkId } from '../../../shared/ids.ts'
import { type IndexUnderTest, startIndex } from './index-under-test.ts'
import { type Enrolled, newDevice } from './society.ts'

type Posting = Extract<(typeof ROUTES)[number], { method: 'POST' }>['operation']

interface Attempt {
  readonly door: string
  readonly as?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: unknown
}

let index: IndexUnderTest
let network: NetworkId
let owner: Enrolled
let invite: string

beforeAll(async () => {
  index = await startIndex({}, { indexed: false })
  network = await index.network()
  owner = await index.member({ [network]: 'owner' })
  const made = await index.call(`POST /v1/networks/${network}/invites`, {
    as: owner.ticket,
    body: { uses: 2 },
  })
  invite = made.body.code
})
afterAll(() => index.close())

let keys = 0
const keyed = (door: string, as: string, body: unknown) => {
  const headers = { 'Idempotency-Key': `"attempt-${keys++}"` }
  return async (): Promise<Attempt> => ({ door, as, headers, body })
}

const HEARING = { name: 'lost', url: 'https://example.com/', events: ['user.*'] }
const newHook = async (): Promise<string> =>
  (await index.call('POST /v1/webhooks', { as: index.admin, body: HEARING })).body.webhook

/** Functions that send a request, and send it again. A proof is valid once, so a sender that uses one signs a new one. */
const POSTS: Readonly<Record<Posting, () => Promise<readonly (() => Promise<Attempt>)[]>>> = {
  createEnrolment: async () => {
    const device = newDevice()
    return [async () => ({ door: '/v1/enrolments', body: { invite, proof: await index.proofOf(device) } })]
  },
  createTicket: async () => [
    async () => ({ door: '/v1/tickets', body: { proof: await index.proofOf(owner) } }),
  ],
  createUser: async () => {
    const user = { name: 'lost', attributes: { team: 'red' } }
    const bySubject = { ...user, subject: 'https://id.example#lost' }
    return [
      keyed('/v1/users', index.admin, user),
      async () => ({ door: '/v1/users', as: index.admin, body: bySubject }),
    ]
  },
  createNetwork: async () => [
    keyed('/v1/networks', index.admin, { name: 'lost' }),
    keyed('/v1/networks', owner.ticket, { name: 'lost' }),
  ],
  createInvite: async () => [
    keyed(`/v1/networks/${network}/invites`, index.admin, {}),
    keyed(`/v1/networks/${network}/invites`, owner.ticket, { role: 'guest' }),
  ],
  createPeer: async () => {
    const body = { peer: newDevice().peer, user: owner.user }
    return [async () => ({ door: '/v1/peers', as: index.admin, body })]
  },
  createWebhook: async () => [keyed('/v1/webhooks', index.admin, HEARING)],
  rotateWebhook: async () => [keyed(`/v1/webhooks/${await newHook()}/rotations`, index.admin, {})],
  testWebhook: async () => [keyed(`/v1/webhooks/${await newHook()}/tests`, index.admin, {})],
  replayWebhook: async () => [keyed(`/v1/webhooks/${await newHook()}/replays`, index.admin, { since: 0 })],
  readObjects: async () => [
    keyed(`/v1/batches/lost/reads?network=${network}`, owner.ticket, { ids: ['a', 'b'] }),
  ],
  writeObjects: async () => [
    keyed(`/v1/batches/lost/writes?network=${network}`, owner.ticket, {
      writes: [
        { id: 'a', value: { n: 1 } },
        { id: 'b', value: { n: 1 }, version: 0 },
        { id: 'c', deleted: true },
      ],
    }),
  ],
  rotateApiKey: async () => {
    const { body } = await index.call('POST /v1/api-keys', {
      as: index.admin,
      body: { name: 'r', role: 'read' },
    })
    return [keyed(`/v1/api-keys/${body.key}/rotations`, index.admin, {})]
  },
  createApiKey: async () => [keyed('/v1/api-keys', index.admin, { name: 'lost', role: 'read' })],
}

const TABLES = ['Users', 'Networks', 'Memberships', 'Peers', 'Invites', 'ApiKeys'] as const

async function counts(): Promise<readonly number[]> {
  const count = async (TableName: string) => {
    let found = 0
    for await (const { Count = 0 } of paginateScan({ client: index.client }, { TableName })) found += Count
    return found
  }
  return Promise.all(TABLES.map(count))
}

const send = async (attempt: () => Promise<Attempt>) => {
  const { door, ...call } = await attempt()
  return index.call(`POST ${door}`, call)
}

const POSTING = ROUTES.filter(({ method }) => method === 'POST').map(({ operation }) => operation as Posting)

/** Loses the answer to the next transaction on its way back to INDEX, which then retries it. */
function loseTheNextAnswer(): () => void {
  const { requestHandler } = index.client.config
  const { handle } = requestHandler
  let lost = 0
  requestHandler.handle = async (...given) => {
    const reply = await handle.apply(requestHandler, given)
    if (!`${given[0].headers['x-amz-target']}`.endsWith('TransactWriteItems') || lost++ > 0) return reply
    throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError' })
  }
  return () => {
    requestHandler.handle = handle
  }
}

describe.each(POSTING)('%s', (operation) => {
  test('whose answer is lost on its way to the client is answered the same when it is sent again', async () => {
    for (const attempt of await POSTS[operation]()) {
      const first = await send(attempt)
      expect(first.status, JSON.stringify(first.body)).toBeLessThan(300)
      const before = await counts()
      const second = await send(attempt)
      expect(await counts()).toEqual(before)
      expect(second.status).toBeLessThan(300)
      const { ticket: _, expiresAt: __, signInUntil: ___, ...same } = first.body
      expect(second.body).toMatchObject(same)
      expect(second.headers.location).toBe(
        first.status === second.status ? first.headers.location : undefined,
      )
    }
  })

  test('whose answer is lost on its way to INDEX is made once', async () => {
    for (const attempt of await POSTS[operation]()) {
      const restore = loseTheNextAnswer()
      const { status, body } = await send(attempt).finally(restore)
      expect(status, JSON.stringify(body)).toBeLessThan(300)
    }
  })
})

describe('an Idempotency-Key', () => {
  const post = (as: string, key: string, name: string) =>
    index.call('POST /v1/networks', { as, headers: { 'Idempotency-Key': key }, body: { name } })

  test('of five attempts that come at once makes one thing', async () => {
    const made = await Promise.all(Array.from({ length: 5 }, () => post(index.admin, 'at-once', 'one')))
    expect(made.map(({ status }) => status)).toEqual(Array(5).fill(201))
    expect(new Set(made.map(({ body }) => body.network)).size).toBe(1)
  })

  test('is of whoever sends it, and of what is asked', async () => {
    const made = await Promise.all([
      post(index.admin, 'same', 'one'),
      post(index.admin, 'same', 'two'),
      post(owner.ticket, 'same', 'one'),
    ])
    expect(new Set(made.map(({ body }) => body.network)).size).toBe(3)
  })

  test('lets nobody who knows it and all that INDEX answers tell the secret of an API key', async () => {
    const call = { as: index.admin, headers: { 'Idempotency-Key': 'k' }, body: { name: 'k', role: 'read' } }
    const elsewhere = await startIndex({}, { indexed: false })
    const [here, there] = [
      await index.call('POST /v1/api-keys', call),
      await elsewhere.call('POST /v1/api-keys', { ...call, as: elsewhere.admin }),
    ]
    await elsewhere.close()
    expect(here.body.token).not.toBe(there.body.token)
  })

  test('does not bring back what was deleted, nor its secret', async () => {
    const headers = { 'Idempotency-Key': 'deleted' }
    const makes: readonly [door: string, body: object][] = [
      ['/v1/api-keys', { name: 'leaked', role: 'read' }],
      [`/v1/networks/${network}/invites`, {}],
      ['/v1/networks', { name: 'deleted' }],
      ['/v1/users', { name: 'deleted' }],
      ['/v1/webhooks', HEARING],
    ]
    for (const [door, body] of makes) {
      const make = () => index.call(`POST ${door}`, { as: index.admin, headers, body })
      const first = await make()
      expect(first.status, door).toBe(201)
      const gone = await index.call(`DELETE ${first.headers.location}`, { as: index.admin })
      expect([202, 204], door).toContain(gone.status)
      expect(await make(), door).toMatchObject({ status: 409, body: { code: 'conflict' } })
      expect((await index.call(`GET ${first.headers.location}`, { as: index.admin })).status, door).toBe(404)
      const { token, code } = first.body
      if (token) expect((await index.call('GET /v1/users', { as: token })).status).toBe(401)
      if (code) {
        const proof = await index.proofOf(newDevice())
        expect((await index.call('POST /v1/enrolments', { body: { invite: code, proof } })).status).toBe(404)
      }
    }
    for (const door of ['/v1/api-keys', `/v1/networks/${network}/invites`]) {
      const { body } = await index.call(`GET ${door}`, { as: index.admin })
      for (const item of body.items) expect(item, door).toHaveProperty('createdAt')
    }
  })

  test('tells nobody what became of a network that it has left', async () => {
    const maker = await index.member({})
    const { body } = await post(maker.ticket, 'left', 'mine')
    const heir = await index.member({ [body.network]: 'owner' })
    await index.call(`DELETE /v1/networks/${body.network}/members/${maker.user}`, { as: maker.ticket })
    await index.call(`PATCH /v1/networks/${body.network}`, { as: heir.ticket, body: { name: 'theirs' } })
    const again = await post(maker.ticket, 'left', 'mine')
    expect(again).toMatchObject({ status: 409, body: { code: 'conflict' } })
    expect(JSON.stringify(again.body)).not.toContain('theirs')
  })

  test.each(['', 'ä', 'a b', 'x'.repeat(256)])('%j is refused', async (key) => {
    expect((await post(index.admin, key, 'x')).status).toBe(400)
  })
})
