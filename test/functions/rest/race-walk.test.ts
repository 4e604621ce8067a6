/**
 * Every route that writes, with everything that it checks changed between its reads and its first write. Such a change comes
 * before the write. The request must therefore end as it does when the change is made before the request: with the same
 * status, and with writes to the same tables. At the end a checker reads the tables.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createJobRunner } from '../../../functions/jobs/index.ts'
import { ROUTES } from '../../../functions/rest/routes.ts'
import type { NetworkId } from '../../../shared/ids.ts'
import { createDeliveries } from '../../../shared/store/deliveries.ts'
import { LEASE_MS } from '../../../shared/store/delivery-items.ts'
import { asFunction } from '../permitted.ts'
import { type IndexUnderTest, startIndex } from './index-under-test.ts'
import { type Interruptions, interrupt, meanwhile } from './interrupted-client.ts'
import { brokenInvariants } from './invariants.ts'
import { type Enrolled, newDevice } from './society.ts'
import { type Recording, record } from './written-tables.ts'

type Writing = Exclude<(typeof ROUTES)[number], { method: 'GET' }>['operation']
type Asker = 'owner' | 'key'

/** Everything that a request may be about, new for each request. */
interface Scene {
  readonly network: NetworkId
  /** One of two owners. Sends the requests, is the subject of requests about a user, and blocks the other owner's peer. */
  readonly owner: Enrolled
  readonly other: Enrolled
  readonly member: Enrolled
  readonly key: string
  readonly invite: { readonly id: string; readonly code: string }
  readonly collection: string
}

interface Request {
  readonly as: Asker | 'nobody'
  readonly door: (scene: Scene) => string
  readonly body?: (scene: Scene) => unknown
  /** If set, sends `If-Match` with the current version. */
  readonly edits?: string
  readonly changes: readonly Change[]
  /** Number of the write before which the change is made. Default: the first. */
  readonly write?: number
}

const admin = (door: string, body?: unknown) =>
  index.call(door, { as: index.admin, ...(body ? { body } : {}) })
const memberDoor = ({ network }: Scene, { user }: Enrolled) => `/v1/networks/${network}/members/${user}`
const blockDoor = ({ owner }: Scene, { peer }: Enrolled) => `/v1/users/${owner.user}/blocks/${peer}`
const objectDoor = ({ network }: Scene, id = 'o') => `/v1/objects/walked/${id}?network=${network}`

/** Changes made between the reads and the write. */
const CHANGES = {
  'the key is deleted': ({ key }: Scene) => admin(`DELETE /v1/api-keys/${key.split('_')[1]}`),
  'the peer is revoked': ({ owner }: Scene) => admin(`DELETE /v1/peers/${owner.peer}`),
  'the user is deleted': ({ owner }: Scene) => admin(`DELETE /v1/users/${owner.user}`),
  'the membership is lost': (scene: Scene) => admin(`DELETE ${memberDoor(scene, scene.owner)}`),
  'the membership is suspended': (scene: Scene) =>
    admin(`PUT ${memberDoor(scene, scene.owner)}`, { state: 'suspended' }),
  'the role is lowered': (scene: Scene) => admin(`PUT ${memberDoor(scene, scene.owner)}`, { role: 'guest' }),
  'the network is deleted': ({ network }: Scene) => admin(`DELETE /v1/networks/${network}`),
  'the member is promoted': (scene: Scene) =>
    admin(`PUT ${memberDoor(scene, scene.member)}`, { role: 'owner' }),
  'the member is removed': (scene: Scene) => admin(`DELETE ${memberDoor(scene, scene.member)}`),
  'the member is banned': (scene: Scene) =>
    admin(`PUT ${memberDoor(scene, scene.member)}`, { state: 'banned' }),
  'the member is deleted': ({ member }: Scene) => admin(`DELETE /v1/users/${member.user}`),
  "the member's peer is revoked": ({ member }: Scene) => admin(`DELETE /v1/peers/${member.peer}`),
  'the other owner leaves': (scene: Scene) => admin(`DELETE ${memberDoor(scene, scene.other)}`),
  'the invite is taken back': ({ invite }: Scene) => admin(`DELETE /v1/invites/${invite.id}`),
  'the network is edited': ({ network }: Scene) => admin(`PATCH /v1/networks/${network}`, { name: 'edited' }),
  'the user is edited': ({ owner }: Scene) => admin(`PATCH /v1/users/${owner.user}`, { name: 'edited' }),
  'the peer is edited': ({ owner }: Scene) => admin(`PATCH /v1/peers/${owner.peer}`, { name: 'edited' }),
  'the object is edited': (scene: Scene) => admin(`PATCH ${objectDoor(scene)}`, { value: { n: 2 } }),
  'the object is deleted': (scene: Scene) => admin(`DELETE ${objectDoor(scene)}`),
  'the user blocks the member': (scene: Scene) => admin(`PUT ${blockDoor(scene, scene.member)}`),
  'the block is taken back': (scene: Scene) => admin(`DELETE ${blockDoor(scene, scene.other)}`),
  'the declaration is edited': ({ collection }: Scene) =>
    admin(`PUT /v1/collections/${collection}`, { searchable: ['value.edited'] }),
  'the declaration is taken back': ({ collection }: Scene) => admin(`DELETE /v1/collections/${collection}`),
} satisfies Readonly<Record<string, (scene: Scene) => Promise<unknown>>>

type Change = keyof typeof CHANGES

const OWN = ['the peer is revoked', 'the user is deleted'] as const
const STANDING = [
  ...OWN,
  'the membership is lost',
  'the membership is suspended',
  'the role is lowered',
  'the network is deleted',
] as const
const KEY = ['the key is deleted'] as const
const KEY_IN_NETWORK = [...KEY, 'the network is deleted'] as const
const MEMBER = ['the member is removed', 'the member is banned', 'the member is deleted'] as const

/** It replaces one object and makes another. */
const BATCH = {
  writes: [
    { id: 'o', value: { n: 3 } },
    { id: 'new', value: {} },
  ],
}
const HEARING = { name: 'walked', url: 'https://example.com/', events: ['user.*'] }

const WALK: Readonly<Record<Writing, readonly Request[]>> = {
  createEnrolment: [
    {
      as: 'nobody',
      door: () => '/v1/enrolments',
      body: async ({ invite }) => ({ invite: invite.code, proof: await index.proofOf(newDevice()) }),
      changes: ['the invite is taken back', ...STANDING],
      // The first write uses the proof up.
      write: 2,
    },
  ],
  createTicket: [
    {
      as: 'nobody',
      door: () => '/v1/tickets',
      body: async ({ owner }) => ({ proof: await index.proofOf(owner) }),
      changes: OWN,
    },
  ],
  createUser: [{ as: 'key', door: () => '/v1/users', body: () => ({ name: 'new' }), changes: KEY }],
  updateUser: bothEdit(({ owner }) => `/v1/users/${owner.user}`, ['the user is edited', ...OWN]),
  deleteUser: [
    ...bothEdit(({ owner }) => `/v1/users/${owner.user}`, ['the user is edited', ...OWN], false),
    {
      as: 'owner',
      door: ({ owner }) => `/v1/users/${owner.user}`,
      changes: ['the other owner leaves', 'the membership is lost', 'the network is deleted'],
    },
  ],
  putBlock: blocks(({ member }) => member, ['the user blocks the member']),
  deleteBlock: blocks(({ other }) => other, ['the block is taken back']),
  createNetwork: [
    { as: 'owner', door: () => '/v1/networks', body: () => ({ name: 'new' }), changes: OWN },
    {
      as: 'key',
      door: () => '/v1/networks',
      body: ({ member }) => ({ name: 'new', owner: member.user }),
      changes: [...KEY, 'the member is deleted'],
    },
  ],
  updateNetwork: bothEdit(({ network }) => `/v1/networks/${network}`, ['the network is edited', ...STANDING]),
  deleteNetwork: bothEdit(
    ({ network }) => `/v1/networks/${network}`,
    ['the network is edited', ...STANDING],
    false,
  ),
  putMember: [
    ...both((scene) => memberDoor(scene, scene.member), { role: 'guest' }, [
      ...MEMBER,
      'the member is promoted',
    ]),
    ...both((scene) => memberDoor(scene, scene.other), { role: 'member' }, []),
  ],
  deleteMember: [
    ...both((scene) => memberDoor(scene, scene.member), undefined, [...MEMBER, 'the member is promoted']),
    {
      as: 'owner',
      door: (scene) => memberDoor(scene, scene.owner),
      changes: ['the other owner leaves', ...OWN],
    },
  ],
  createInvite: both(({ network }) => `/v1/networks/${network}/invites`, { role: 'admin' }, []),
  deleteInvite: both(({ invite }) => `/v1/invites/${invite.id}`, undefined, ['the invite is taken back']),
  createPeer: [
    {
      as: 'key',
      door: () => '/v1/peers',
      body: ({ member }) => ({ user: member.user, peer: newDevice().peer }),
      changes: [...KEY, 'the member is deleted'],
    },
  ],
  updatePeer: bothEdit(({ owner }) => `/v1/peers/${owner.peer}`, ['the peer is edited', ...OWN]),
  deletePeer: bothEdit(({ owner }) => `/v1/peers/${owner.peer}`, ['the peer is edited', ...OWN], false),
  putCollection: [
    {
      as: 'key',
      door: ({ collection }) => `/v1/collections/${collection}`,
      body: () => ({ searchable: ['value.a'] }),
      edits: 'yes',
      changes: [...KEY, 'the declaration is edited', 'the declaration is taken back'],
    },
  ],
  deleteCollection: [
    {
      as: 'key',
      door: ({ collection }) => `/v1/collections/${collection}`,
      edits: 'yes',
      changes: [...KEY, 'the declaration is edited', 'the declaration is taken back'],
    },
  ],
  putObject: [
    ...objects((scene) => objectDoor(scene, 'new'), { value: { n: 1 } }, []),
    ...objects((scene) => objectDoor(scene), { value: { n: 3 } }, ['the object is deleted']),
    ...objects((scene) => objectDoor(scene), { value: { n: 3 } }, ['the object is edited'], true),
    {
      as: 'owner',
      door: () => '/v1/objects/walked/private',
      body: () => ({ value: {} }),
      changes: OWN,
    },
  ],
  updateObject: [
    ...objects((scene) => objectDoor(scene), { value: { m: 1 } }, ['the object is deleted']),
    ...objects((scene) => objectDoor(scene), { value: { m: 1 } }, ['the object is edited'], true),
  ],
  deleteObject: [
    ...objects((scene) => objectDoor(scene), undefined, ['the object is deleted']),
    ...objects((scene) => objectDoor(scene), undefined, ['the object is edited'], true),
  ],
  // It writes nothing.
  readObjects: [],
  writeObjects: [
    ...objects(({ network }) => `/v1/batches/walked/writes?network=${network}`, BATCH, [
      'the object is deleted',
    ]),
  ],
  createApiKey: [
    { as: 'key', door: () => '/v1/api-keys', body: () => ({ name: 'new', role: 'admin' }), changes: KEY },
  ],
  createWebhook: [{ as: 'key', door: () => '/v1/webhooks', body: () => HEARING, changes: KEY }],
  updateWebhook: [{ as: 'key', door: () => hookDoor(), body: () => ({ name: 'new' }), changes: KEY }],
  deleteWebhook: [{ as: 'key', door: () => hookDoor(), changes: KEY }],
  rotateWebhook: [{ as: 'key', door: () => `${hookDoor()}/rotations`, changes: KEY }],
  testWebhook: [{ as: 'key', door: () => `${hookDoor()}/tests`, changes: KEY }],
  replayWebhook: [
    {
      as: 'key',
      door: () => `${hookDoor()}/replays`,
      body: () => ({ since: 0, states: ['delivered'] }),
      changes: KEY,
    },
  ],
  rotateApiKey: [
    {
      as: 'key',
      door: ({ key }) => `/v1/api-keys/${key.split('_')[1]}/rotations`,
      body: () => ({}),
      changes: KEY,
    },
  ],
  deleteApiKey: [{ as: 'key', door: ({ key }) => `/v1/api-keys/${key.split('_')[1]}`, changes: KEY }],
}

/** Returns the request as sent by an owner and by a key. */
function both(door: Request['door'], body: unknown, changes: readonly Change[]): readonly Request[] {
  const sent = body === undefined ? {} : { body: () => body }
  return [
    { as: 'owner', door, ...sent, changes: [...STANDING, ...changes] },
    { as: 'key', door, ...sent, changes: [...KEY_IN_NETWORK, ...changes] },
  ]
}

/** Returns a block by the owner, sent by the owner and by a key. */
function blocks(blocked: (scene: Scene) => Enrolled, changes: readonly Change[]): readonly Request[] {
  const door = (scene: Scene) => blockDoor(scene, blocked(scene))
  return [
    { as: 'owner', door, changes: [...OWN, ...changes] },
    { as: 'key', door, changes: [...KEY, 'the user is deleted', ...changes] },
  ]
}

/** Like `both`, without the deletion of the key: writes of objects do not wait for that (functions/rest/handler.ts). */
function objects(
  door: Request['door'],
  body: unknown,
  changes: readonly Change[],
  edits = false,
): readonly Request[] {
  return both(door, body, changes).map(({ changes: all, ...request }) => ({
    ...request,
    ...(edits && { edits: 'yes' }),
    changes: all.filter((change) => change !== 'the key is deleted'),
  }))
}

/** Returns the request with `If-Match`, as sent by the user itself, who is the owner, and by a key. */
function bothEdit(door: Request['door'], changes: readonly Change[], patches = true): readonly Request[] {
  const request = { door, edits: 'yes', ...(patches && { body: () => ({ name: 'mine' }) }) }
  return [
    { as: 'owner', ...request, changes },
    {
      as: 'key',
      ...request,
      changes: [...changes.filter((change) => change !== 'the role is lowered'), ...KEY],
    },
  ]
}

/** One webhook for all: every change of it is refused here. It has a delivery, so that there is something to replay. */
let webhook = ''
const hookDoor = () => `/v1/webhooks/${webhook}`

let index: IndexUnderTest
let interruptions: Interruptions
let recording: Recording

beforeAll(async () => {
  index = await startIndex({}, { indexed: false })
  interruptions = interrupt(index.client)
  recording = record(index.client)
  webhook = (await admin('POST /v1/webhooks', HEARING)).body.webhook
  await admin(`POST ${hookDoor()}/tests`)
  const deliveries = createDeliveries(index.client)
  index.pass(LEASE_MS)
  for (const item of await deliveries.due(index.now(), 1)) await deliveries.delivered(item, 200, index.now())
})
afterAll(() => index.close())

let scenes = 0

async function newScene(): Promise<Scene> {
  const network = await index.network()
  const owner = await index.member({ [network]: 'owner' })
  const [other, member] = [
    await index.member({ [network]: 'owner' }),
    await index.member({ [network]: 'member' }),
  ]
  const { body: key } = await admin('POST /v1/api-keys', { name: 'walks', role: 'admin' })
  const made = await index.call(`POST /v1/networks/${network}/invites`, { as: owner.ticket, body: {} })
  const collection = `walked-${scenes++}`
  await admin(`PUT /v1/collections/${collection}`, { searchable: [] })
  await admin(`PUT /v1/objects/walked/o?network=${network}`, { value: { n: 1 } })
  const invite = { id: made.body.invite, code: made.body.code }
  const scene = { network, owner, other, member, key: key.token, invite, collection }
  await admin(`PUT ${blockDoor(scene, other)}`)
  return scene
}

/** Sends the request, with the change before it or between its reads and its first write. */
async function outcomeOf(method: string, request: Request, change: Change, when: 'before' | 'between') {
  const scene = await newScene()
  const door = request.door(scene)
  const version = request.edits && (await admin(`GET ${door}`)).headers.etag
  const body = await request.body?.(scene)
  const as = { owner: scene.owner.ticket, key: scene.key, nobody: undefined }[request.as]
  const act = () => recording.apart(() => CHANGES[change](scene))
  if (when === 'before') await act()
  else meanwhile(interruptions, act, request.write)
  const { result, tables } = await recording.of(() =>
    index.call(`${method} ${door}`, {
      ...{ as, headers: version ? { 'If-Match': version } : {} },
      ...(body !== undefined && { body }),
    }),
  )
  const fired = interruptions.beforeWrite === undefined
  interruptions.beforeWrite = undefined
  return { status: result.status, tables, fired }
}

const MUTATING = ROUTES.filter(({ method }) => method !== 'GET')

test('every route that writes is walked', () => {
  expect(Object.keys(WALK).sort()).toEqual(MUTATING.map(({ operation }) => operation as string).sort())
})

describe.each(MUTATING.filter(({ operation }) => operation !== 'readObjects'))('$method $path', ({
  operation,
  method,
}) => {
  const requests = WALK[operation as Writing]
  const cases = requests.flatMap((request) =>
    request.changes.map((change) => ({ request, change, as: request.as })),
  )

  test.each(cases)('by $as: $change', async ({ request, change }) => {
    const before = await outcomeOf(method, request, change, 'before')
    const between = await outcomeOf(method, request, change, 'between')
    expect(between.fired, 'the change was made').toBe(true)
    expect({ status: between.status, tables: between.tables }).toEqual({
      ...{ status: before.status, tables: before.tables },
    })
  })
})

test('the tables hold together after all of it', async () => {
  index.pass(60_000)
  await createJobRunner({ client: asFunction(index.client, 'jobs'), now: index.now })(
    {} as never,
    {} as never,
  )
  expect(await brokenInvariants(index.client)).toEqual([])
})
