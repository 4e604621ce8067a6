/** Every operation of the admin client, against the handlers, tables and streams of one machine over HTTP. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, expectTypeOf, test } from 'vitest'
import { GATEWAY_LIMITS } from '../../local/gateway-limits.ts'
import { restDoor } from '../../local/gateway-rest.ts'
import { type AdminClient, createAdminClient } from '../../peer/index.ts'
import type { NetworkId, UserId } from '../../shared/ids.ts'
import type { UserDetails } from '../../shared/resources.ts'
import { DOORS, type Operations } from '../../shared/rest-client/operations.ts'
import { type IndexUnderTest, startIndex } from '../functions/rest/index-under-test.ts'
import { type Device, newDevice, proofOf } from '../functions/rest/society.ts'

let index: IndexUnderTest
let server: ReturnType<typeof createServer>
let url: string
let admin: AdminClient
/** Number of answers to drop. */
let lost = 0

beforeAll(async () => {
  index = await startIndex()
  const door = restDoor((event, context) => index.rest(event, context), GATEWAY_LIMITS)
  server = createServer((request, response) => {
    if (lost-- > 0) {
      const { end } = response
      response.end = (() => {
        request.socket.destroy()
        return Reflect.apply(end, response, [])
      }) as typeof response.end
    }
    door(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  admin = createAdminClient({ index: url, key: index.admin })
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await index.close()
})

const prove = (device: Device) =>
  proofOf(device, { aud: `straightway-index://${new URL(url).host}`, iat: index.now() })

type Walk = { readonly [O in keyof Operations]: () => Promise<Operations[O]['answer']> }

test('walks all operations of INDEX', async () => {
  const { network } = await admin.createNetwork({ body: { name: 'walk' } })
  const { user } = await admin.createUser({ body: { name: 'Ann', attributes: { team: 'red' } } })
  const device = newDevice()
  const code = async () => (await admin.createInvite({ network, body: {} })).code
  const [doomed, leaver] = [
    (await admin.createNetwork({ body: { name: 'doomed' } })).network,
    (await admin.createUser({ body: { name: 'leaver' } })).user,
  ]
  let [invite, key, job, webhook, peer] = ['', '', '', '', device.peer]
  const object = { collection: 'walk', id: 'a~1', query: { network } }
  const walk: Walk = {
    readHealth: () => admin.readHealth(),
    readBootstrap: () => admin.readBootstrap(),
    readOpenapi: () => admin.readOpenapi(),
    createEnrolment: async () =>
      admin.createEnrolment({ body: { invite: await code(), proof: await prove(device), name: 'laptop' } }),
    createTicket: async () => admin.createTicket({ body: { proof: await prove(device) } }),
    createUser: () => admin.createUser({ body: { name: 'new' } }),
    readUser: () => admin.readUser({ user }),
    updateUser: () => admin.updateUser({ user, body: { name: 'Anna' }, ifVersion: 1 }),
    putMember: () => admin.putMember({ network, user, body: { role: 'admin' } }),
    readMember: () => admin.readMember({ network, user }),
    listMembers: () => admin.listMembers({ network, query: { limit: 10, state: 'active' } }),
    listMemberships: () => admin.listMemberships({ user }),
    listUsers: () => admin.listUsers({ query: { filter: 'name eq "anna"', network } }),
    putBlock: () => admin.putBlock({ user, blocked: leaver }),
    listBlocks: () => admin.listBlocks({ user }),
    deleteBlock: () => admin.deleteBlock({ user, blocked: leaver }),
    createNetwork: () => admin.createNetwork({ body: { name: 'new', owner: user } }),
    listNetworks: () => admin.listNetworks(),
    readNetwork: () => admin.readNetwork({ network }),
    updateNetwork: () => admin.updateNetwork({ network, body: { joining: 'approval' } }),
    createInvite: async () => {
      const made = await admin.createInvite({ network, body: { role: 'guest', uses: 2 } })
      invite = made.invite
      return made
    },
    listInvites: () => admin.listInvites({ network }),
    readInvite: () => admin.readInvite({ invite }),
    deleteInvite: () => admin.deleteInvite({ invite }),
    createPeer: async () => {
      const made = await admin.createPeer({ body: { peer: newDevice().peer, user } })
      peer = made.peer
      return made
    },
    listPeers: () => admin.listPeers({ query: { sortBy: 'name', sortOrder: 'descending' } }),
    readPeer: () => admin.readPeer({ peer }),
    updatePeer: () => admin.updatePeer({ peer, body: { attributes: { os: 'linux' } } }),
    deletePeer: () => admin.deletePeer({ peer }),
    putCollection: () => admin.putCollection({ collection: 'walk', body: { searchable: ['value.n'] } }),
    listCollections: () => admin.listCollections(),
    readCollection: () => admin.readCollection({ collection: 'walk' }),
    putObject: () => admin.putObject({ ...object, body: { value: { n: 1 } } }),
    writeObjects: () =>
      admin.writeObjects({
        collection: 'walk',
        query: { network },
        body: { writes: [{ id: 'b', deleted: true }] },
      }),
    readObjects: () => admin.readObjects({ collection: 'walk', query: { network }, body: { ids: ['a~1'] } }),
    readObject: () => admin.readObject(object),
    updateObject: () => admin.updateObject({ ...object, body: { value: { m: 2 } }, ifVersion: 1 }),
    listObjects: () => admin.listObjects({ collection: 'walk', query: { filter: 'value.n eq 1' } }),
    search: () => admin.search({ query: { entity: 'object', collection: 'walk' } }),
    deleteObject: () => admin.deleteObject(object),
    deleteCollection: () => admin.deleteCollection({ collection: 'walk' }),
    deleteMember: () => admin.deleteMember({ network, user }),
    createApiKey: async () => {
      const made = await admin.createApiKey({ body: { name: 'ci', role: 'read' } })
      key = made.key
      return made
    },
    rotateApiKey: () => admin.rotateApiKey({ key, body: { graceMs: 0 } }),
    listApiKeys: () => admin.listApiKeys(),
    readApiKey: () => admin.readApiKey({ key }),
    deleteApiKey: () => admin.deleteApiKey({ key }),
    deleteUser: () => admin.deleteUser({ user: leaver }),
    deleteNetwork: async () => {
      const begun = await admin.deleteNetwork({ network: doomed })
      job = begun.job
      return begun
    },
    listJobs: () => admin.listJobs({ query: { state: 'running' } }),
    readJob: () => admin.readJob({ job }),
    createWebhook: async () => {
      const events = ['member.*' as const]
      const made = await admin.createWebhook({ body: { name: 'w', url: 'https://example.com/', events } })
      webhook = made.webhook
      return made
    },
    listWebhooks: () => admin.listWebhooks(),
    readWebhook: () => admin.readWebhook({ webhook }),
    updateWebhook: () => admin.updateWebhook({ webhook, body: { active: false, network: null } }),
    testWebhook: () => admin.testWebhook({ webhook }),
    listDeliveries: () => admin.listDeliveries({ webhook, query: { state: 'waiting' } }),
    replayWebhook: () => admin.replayWebhook({ webhook, body: { since: 0 } }),
    rotateWebhook: () => admin.rotateWebhook({ webhook }),
    deleteWebhook: () => admin.deleteWebhook({ webhook }),
    listAudit: () => admin.listAudit({ query: { subject: network, limit: 5 } }),
    listNetworkAudit: () => admin.listNetworkAudit({ network }),
  }
  expect(Object.keys(walk).sort()).toEqual(Object.keys(DOORS).sort())
  for (const [operation, call] of Object.entries(walk)) {
    const answer = await call().catch((error: Error) => expect.fail(`${operation}: ${error.message}`))
    const isEmpty = /^(put|delete)Block$|^delete(Invite|Peer|Object|Collection|Member|ApiKey|Webhook)$/.test(
      operation,
    )
    expect(answer === undefined, operation).toBe(isEmpty)
  }
}, 60_000)

test('its types are those of the definitions', () => {
  expectTypeOf(admin.readUser).parameter(0).toExtend<{ readonly user: UserId } | undefined>()
  expectTypeOf<Awaited<ReturnType<AdminClient['readUser']>>>().toEqualTypeOf<UserDetails>()
  const ids = { network: 'n_' as NetworkId, user: 'u_' as UserId }
  // @ts-expect-error a role that there is not
  const wrong = () => admin.putMember({ ...ids, body: { role: 'king' } })
  // @ts-expect-error a filter without an entity
  const vague = () => admin.search({ query: { filter: 'name pr' } })
  expect([wrong, vague]).toHaveLength(2)
})

test('rejects with the code that INDEX names, and with what to do', async () => {
  const absent = 'n_aaaaaaaaaaaaaaaa' as NetworkId
  await expect(admin.readNetwork({ network: absent })).rejects.toMatchObject({ code: 'not-found' })
  const { user } = await admin.createUser({ body: { name: 'x' } })
  await expect(admin.updateUser({ user, body: { name: 'y' }, ifVersion: 7 })).rejects.toMatchObject({
    code: 'precondition-failed',
  })
  const stranger = createAdminClient({ index: url, key: `sw_x_${'a'.repeat(52)}` })
  await expect(stranger.listApiKeys()).rejects.toMatchObject({ code: 'unauthenticated' })
})

test('a lost answer is asked for again, and nothing is made twice', async () => {
  const subject = 'https://id.example#admin-client'
  const before = (await admin.listNetworks()).items.length
  for (const make of [
    () => admin.createNetwork({ body: { name: 'once' } }),
    () => admin.createUser({ body: { name: 'once', subject } }),
    () => admin.createApiKey({ body: { name: 'once', role: 'read' } }),
  ]) {
    lost = 1
    await expect(make()).resolves.toBeDefined()
  }
  await index.settle()
  expect((await admin.listNetworks()).items.length).toBe(before + 1)
  expect((await admin.listApiKeys()).items.filter(({ name }) => name === 'once')).toHaveLength(1)
})
