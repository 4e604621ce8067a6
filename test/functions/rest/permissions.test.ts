import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Operation, ROUTES } from '../../../functions/rest/routes.ts'
import type { NetworkId } from '../../../shared/ids.ts'
import type { Role } from '../../../shared/model/membership.ts'
import { createApiKeys } from '../../../shared/store/api-keys.ts'
import { createCollections } from '../../../shared/store/collections.ts'
import { createInvites } from '../../../shared/store/invites.ts'
import { createJobs } from '../../../shared/store/jobs.ts'
import { createObjects } from '../../../shared/store/objects.ts'
import { transact } from '../../../shared/store/transact.ts'
import { createWebhooks } from '../../../shared/store/webhooks.ts'
import { type OpenIndex, openIndex } from './open-index.ts'
import { type Enrolled, newDevice } from './society.ts'

/** The callers. `self` is the user that the request is about, a member. `outsider` is a member of another network. */
const ASKERS = [
  'nobody',
  'garbage',
  'reader',
  'admin key',
  'member',
  'guest',
  'admin',
  'owner',
  'outsider',
  'self',
] as const
type Asker = (typeof ASKERS)[number]

interface Target {
  readonly network: NetworkId
  readonly self: Enrolled
  readonly invite: string
  readonly code: string
  readonly collection: string
  readonly object: string
  readonly key: string
  readonly job: string
}

interface Row {
  /** One status for each caller, in the order of ASKERS. */
  readonly expected: string
  readonly door: (target: Target) => string
  readonly body?: (target: Target) => unknown
  readonly query?: Readonly<Record<string, string>>
}

const reading = '401 401 200 200 200 200 200 200 404 200'
const listing = '401 401 200 200 200 200 200 200 200 200'
const public_ = (status: number) => ASKERS.map(() => status).join(' ')
const onlyKey = (status: number) => `401 401 403 ${status} 403 403 403 403 403 403`
const onlySelf = (status: number) => `401 401 403 ${status} 403 403 403 403 404 ${status}`
const managing = (status: number) => `401 401 403 ${status} 403 403 ${status} ${status} 404 403`
const hearing = (status: number) => `401 401 ${status} ${status} 403 403 403 403 403 403`
const HEARING = { name: 'hook', url: 'https://example.com/', events: ['user.*' as const] }
let hooks = { kept: '', doomed: '' }
const patch = () => ({ name: 'changed' })

const TABLE: Readonly<Record<Operation, Row>> = {
  readHealth: { expected: public_(200), door: () => '/v1/health' },
  readOpenapi: { expected: public_(200), door: () => '/v1/openapi.json' },
  readBootstrap: { expected: public_(200), door: () => '/v1/bootstrap' },
  createEnrolment: {
    expected: public_(201),
    door: () => '/v1/enrolments',
    body: async ({ code }: Target) => ({ invite: code, proof: await index.proofOf(newDevice()) }),
  },
  createTicket: {
    expected: public_(200),
    door: () => '/v1/tickets',
    body: async ({ self }: Target) => ({ proof: await index.proofOf(self) }),
  },
  createUser: { expected: onlyKey(201), door: () => '/v1/users', body: () => ({ name: 'new' }) },
  listUsers: { expected: listing, door: () => '/v1/users' },
  readUser: { expected: reading, door: ({ self }) => `/v1/users/${self.user}` },
  updateUser: { expected: onlySelf(200), door: ({ self }) => `/v1/users/${self.user}`, body: patch },
  deleteUser: { expected: onlySelf(202), door: ({ self }) => `/v1/users/${self.user}` },
  listMemberships: {
    expected: '401 401 200 200 403 403 403 403 404 200',
    door: ({ self }) => `/v1/users/${self.user}/memberships`,
  },
  listBlocks: {
    expected: '401 401 200 200 403 403 403 403 404 200',
    door: ({ self }) => `/v1/users/${self.user}/blocks`,
  },
  putBlock: { expected: onlySelf(204), door: ({ self }) => `/v1/users/${self.user}/blocks/${self.user}` },
  deleteBlock: { expected: onlySelf(204), door: ({ self }) => `/v1/users/${self.user}/blocks/${self.user}` },
  createNetwork: {
    expected: '401 401 403 201 201 201 201 201 201 201',
    door: () => '/v1/networks',
    body: () => ({ name: 'new' }),
  },
  listNetworks: { expected: listing, door: () => '/v1/networks' },
  readNetwork: { expected: reading, door: ({ network }) => `/v1/networks/${network}` },
  updateNetwork: { expected: managing(200), door: ({ network }) => `/v1/networks/${network}`, body: patch },
  deleteNetwork: {
    expected: '401 401 403 202 403 403 403 202 404 403',
    door: ({ network }) => `/v1/networks/${network}`,
  },
  listMembers: { expected: reading, door: ({ network }) => `/v1/networks/${network}/members` },
  readMember: {
    expected: reading,
    door: ({ network, self }) => `/v1/networks/${network}/members/${self.user}`,
  },
  putMember: {
    expected: managing(200),
    door: ({ network, self }) => `/v1/networks/${network}/members/${self.user}`,
    body: () => ({ role: 'guest' }),
  },
  deleteMember: {
    expected: '401 401 403 204 403 403 204 204 404 204',
    door: ({ network, self }) => `/v1/networks/${network}/members/${self.user}`,
  },
  listAudit: { expected: onlyKey(200), door: () => '/v1/audit' },
  listNetworkAudit: {
    expected: '401 401 200 200 403 403 200 200 404 403',
    door: ({ network }) => `/v1/networks/${network}/audit`,
  },
  createInvite: {
    expected: managing(201),
    door: ({ network }) => `/v1/networks/${network}/invites`,
    body: () => ({}),
  },
  listInvites: {
    expected: '401 401 200 200 403 403 200 200 404 403',
    door: ({ network }) => `/v1/networks/${network}/invites`,
  },
  readInvite: {
    expected: '401 401 200 200 403 403 200 200 404 403',
    door: ({ invite }) => `/v1/invites/${invite}`,
  },
  deleteInvite: { expected: managing(204), door: ({ invite }) => `/v1/invites/${invite}` },
  createPeer: {
    expected: onlyKey(201),
    door: () => '/v1/peers',
    body: ({ self }) => ({ peer: newDevice().peer, user: self.user }),
  },
  listPeers: { expected: listing, door: () => '/v1/peers' },
  readPeer: { expected: reading, door: ({ self }) => `/v1/peers/${self.peer}` },
  updatePeer: { expected: onlySelf(200), door: ({ self }) => `/v1/peers/${self.peer}`, body: patch },
  deletePeer: { expected: onlySelf(204), door: ({ self }) => `/v1/peers/${self.peer}` },
  listCollections: { expected: '401 401 200 200 403 403 403 403 403 403', door: () => '/v1/collections' },
  readCollection: {
    expected: reading,
    door: ({ collection, network }) => `/v1/collections/${collection}?network=${network}`,
  },
  putCollection: {
    expected: onlyKey(200),
    door: ({ collection }) => `/v1/collections/${collection}`,
    body: () => ({ searchable: ['value.level'] }),
  },
  deleteCollection: { expected: onlyKey(204), door: ({ collection }) => `/v1/collections/${collection}` },
  listObjects: { expected: listing, door: () => '/v1/objects/things' },
  putObject: {
    expected: '401 401 403 201 201 403 201 201 404 201',
    door: ({ object, network }) => `/v1/objects/things/new-${object}?network=${network}`,
    body: () => ({ value: {} }),
  },
  readObject: {
    expected: reading,
    door: ({ object, network }) => `/v1/objects/things/${object}?network=${network}`,
  },
  updateObject: {
    expected: '401 401 403 200 403 403 200 200 404 200',
    door: ({ object, network }) => `/v1/objects/things/${object}?network=${network}`,
    body: () => ({ value: { level: 2 } }),
  },
  deleteObject: {
    expected: '401 401 403 204 403 403 204 204 404 204',
    door: ({ object, network }) => `/v1/objects/things/${object}?network=${network}`,
  },
  readObjects: {
    expected: reading,
    door: ({ network }) => `/v1/batches/things/reads?network=${network}`,
    body: ({ object }) => ({ ids: [object] }),
  },
  writeObjects: {
    expected: '401 401 403 200 200 403 200 200 404 200',
    door: ({ network }) => `/v1/batches/things/writes?network=${network}`,
    body: ({ object }) => ({ writes: [{ id: `new-${object}`, value: {} }] }),
  },
  search: { expected: listing, door: () => '/v1/search', query: { entity: 'peer' } },
  createApiKey: {
    expected: onlyKey(201),
    door: () => '/v1/api-keys',
    body: () => ({ name: 'new', role: 'read' }),
  },
  listApiKeys: { expected: onlyKey(200), door: () => '/v1/api-keys' },
  readApiKey: { expected: onlyKey(200), door: ({ key }) => `/v1/api-keys/${key}` },
  createWebhook: { expected: onlyKey(201), door: () => '/v1/webhooks', body: () => HEARING },
  listWebhooks: { expected: hearing(200), door: () => '/v1/webhooks' },
  readWebhook: { expected: hearing(200), door: () => `/v1/webhooks/${hooks.kept}` },
  updateWebhook: { expected: onlyKey(200), door: () => `/v1/webhooks/${hooks.kept}`, body: patch },
  deleteWebhook: { expected: onlyKey(204), door: () => `/v1/webhooks/${hooks.doomed}` },
  rotateWebhook: { expected: onlyKey(200), door: () => `/v1/webhooks/${hooks.kept}/rotations` },
  testWebhook: { expected: onlyKey(200), door: () => `/v1/webhooks/${hooks.kept}/tests` },
  listDeliveries: { expected: hearing(200), door: () => `/v1/webhooks/${hooks.kept}/deliveries` },
  replayWebhook: {
    expected: onlyKey(200),
    door: () => `/v1/webhooks/${hooks.kept}/replays`,
    body: () => ({ since: 0 }),
  },
  rotateApiKey: {
    expected: onlyKey(200),
    door: ({ key }) => `/v1/api-keys/${key}/rotations`,
    body: () => ({}),
  },
  listJobs: { expected: '401 401 200 200 403 403 403 403 403 403', door: () => '/v1/jobs' },
  readJob: { expected: '401 401 200 200 404 404 404 404 404 200', door: ({ job }) => `/v1/jobs/${job}` },
  deleteApiKey: { expected: onlyKey(204), door: ({ key }) => `/v1/api-keys/${key}` },
}

let index: OpenIndex
let outsider: Enrolled
/** Shared by the requests that change nothing. */
let scene: Promise<Scene>

beforeAll(async () => {
  index = await openIndex()
  outsider = await index.member({ [await index.network('elsewhere')]: 'owner' })
  const [kept, doomed] = [await newHook(), await newHook()]
  hooks = { kept, doomed }
  scene = newScene(false)
})
afterAll(() => index.close())

const newHook = async () => (await createWebhooks(index.client).create(HEARING, index.now())).webhook.webhook

describe.each(ROUTES)('$method $path', ({ operation, method }) => {
  const { expected, door, body, query } = TABLE[operation]
  const statuses = expected.split(' ').map(Number)

  test.each(
    ASKERS.map((asker, i) => [asker, statuses[i]!] as const),
  )('answers %s with %i', async (asker, status) => {
    const { target, credentialOf } = await stage(status < 400 && method !== 'GET')
    const answer = await index.call(`${method} ${door(target)}`, {
      as: await credentialOf(asker),
      ...(body && { body: await body(target) }),
      ...(query && { query }),
    })
    expect(answer.status, JSON.stringify(answer.body)).toBe(status)
    if (status < 400) return
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(answer.body).toMatchObject({
      status,
      code: expect.any(String),
      detail: expect.stringMatching(/\w/),
    })
  })
})

test('what is hidden is answered to the letter like what does not exist', async () => {
  const { target } = await stage(false)
  const own = await index.network('own')
  const caller = await index.member({ [own]: 'owner' })
  const doors = (user: string, peer: string, network: string, invite: string, object: string) => [
    `GET /v1/users/${user}`,
    `GET /v1/peers/${peer}`,
    `GET /v1/networks/${network}`,
    `PUT /v1/networks/${own}/members/${user}`,
    `DELETE /v1/invites/${invite}`,
    `GET /v1/objects/things/${object}?network=${network}`,
  ]
  const { self, network, invite, object } = target
  const hidden = doors(self.user, self.peer, network, invite, object)
  const id = 'a'.repeat(16)
  const absent = doors(`u_${id}`, newDevice().peer, `n_${id}`, 'a'.repeat(26), 'absent')
  for (const [i, door] of hidden.entries()) {
    const [there, nowhere] = [
      await index.call(door, { as: caller.ticket }),
      await index.call(absent[i]!, { as: caller.ticket }),
    ]
    expect(there.body, door).toEqual(nowhere.body)
    expect(there.status, door).toBe(404)
  }
})

interface Scene {
  readonly target: Target
  /** Makes the credential of a caller when it is first needed. */
  readonly credentialOf: (asker: Asker) => Promise<string | undefined>
}

/** Returns a new scene if the request changes something, so that no request sees the changes of another. */
const stage = (changes: boolean): Promise<Scene> => (changes ? newScene(true) : scene)

async function newScene(changes: boolean): Promise<Scene> {
  const { client, admin, reader } = index
  const now = index.now()
  const network = await index.network()
  const self = await index.member({ [network]: 'member' })
  const { invite, code } = await createInvites(client).create({ network, role: 'member' }, now)
  const object = `object-${self.user}`
  const key = await createApiKeys(client).create({ name: 'target', role: 'read' }, now)
  const collection = `c${self.user.slice(2)}`
  await createCollections(client).put({ collection, searchable: [], editable: 'owner' }, { now })
  const objects = createObjects(client)
  await objects.create({ collection: 'things', id: object, network, owner: self.user, value: {} }, now)
  // A collection that holds objects cannot be deleted, so it gets one only for requests that read.
  if (!changes) await objects.create({ collection, id: object, network, value: {} }, now)
  // A deployed INDEX runs the job, so the job is about a user that no request uses.
  const leaver = await index.member({})
  const job = `delete-${leaver.user}`
  const started = {
    kind: 'delete-user',
    subject: leaver.user,
    by: self.user,
    createdAt: now,
    updatedAt: now,
  } as const
  await transact(client, [
    createJobs(client).starts({ job, ...started, state: 'running', step: 'peers', runs: 0 }),
  ])
  const target = { network, self, invite: invite.invite, code, collection, object, key: key.apiKey.key, job }
  const others: Partial<Record<Asker, string | undefined>> = {
    nobody: undefined,
    garbage: 'garbage',
    reader,
    'admin key': admin,
    outsider: outsider.ticket,
    self: self.ticket,
  }
  const tickets = new Map<Asker, Promise<string>>()
  const ticketAs = (role: Role) => {
    const ticket = tickets.get(role) ?? index.member({ [network]: role }).then(({ ticket }) => ticket)
    tickets.set(role, ticket)
    return ticket
  }
  const credentialOf = async (asker: Asker) => (asker in others ? others[asker] : ticketAs(asker as Role))
  return { target, credentialOf }
}
