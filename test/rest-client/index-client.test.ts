/** The REST client against the real handlers, tables and streams, through one machine's gateway. */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createTables, startEngine } from '../../local/engine.ts'
import { type Founded, foundSystem } from '../../local/founding.ts'
import { startFunctions } from '../../local/functions.ts'
import { loadSecrets } from '../../local/secrets.ts'
import { type Identity, identityOf, selfSignedProof } from '../../shared/crypto/identity.ts'
import type { PeerId } from '../../shared/ids.ts'
import { enrol, fetchBootstrap, fetchTicket, type Ticket } from '../../shared/rest-client/enrolment.ts'
import { type IndexClient, indexClient } from '../../shared/rest-client/index-client.ts'
import { Requests } from '../../shared/rest-client/requests.ts'
import { createClient } from '../../shared/store/client.ts'
import { createFleet } from '../../shared/store/fleet.ts'

interface Member {
  readonly identity: Identity
  readonly ticket: Ticket
  readonly index: IndexClient
}

let url: string
let founded: Founded
let fleet: ReturnType<typeof createFleet>
let close: () => Promise<void>

beforeAll(async () => {
  const engine = await startEngine()
  const client = createClient(engine)
  await createTables(client)
  founded = await foundSystem(client, undefined)
  fleet = createFleet(client)
  const functions = await startFunctions({
    client,
    endpoint: engine.endpoint,
    secrets: await loadSecrets(undefined),
    http: { host: '127.0.0.1', port: 0 },
    data: undefined,
    log: (line) => console.error(line),
  })
  url = functions.index
  close = async () => {
    await functions.close()
    await engine.close()
  }
})
afterAll(() => close())

const anonymous = () => new Requests(url, () => '')
const proof = (identity: Identity) =>
  selfSignedProof(identity, {
    audience: `straightway-index://${new URL(url).host}`,
    issuedAt: Date.now(),
    id: randomBytes(16).toString('base64url'),
  })

async function member(name: string): Promise<Member> {
  const identity = identityOf(randomBytes(32))
  const enrolment = { proof: proof(identity), invite: founded.invite, name, user: { name } }
  const ticket = await enrol(anonymous(), enrolment)
  return { identity, ticket, index: indexClient(new Requests(url, () => ticket.ticket)) }
}

describe('enrolment', () => {
  test('gives a ticket for an invite, and the next one for the key alone', async () => {
    const { identity, ticket } = await member('ada')
    expect(ticket).toMatchObject({ user: expect.stringMatching(/^u_/), networks: [founded.network] })
    expect(ticket.expiresAt).toBeGreaterThan(Date.now() + 50 * 60_000)
    const next = await fetchTicket(anonymous(), proof(identity))
    expect(next).toMatchObject({ user: ticket.user, networks: ticket.networks })
  })

  test('says what is wrong with a peer that is not enrolled and an invite that is none', async () => {
    const stranger = identityOf(randomBytes(32))
    await expect(fetchTicket(anonymous(), proof(stranger))).rejects.toMatchObject({ code: 'unknown-peer' })
    const wrong = enrol(anonymous(), { proof: proof(stranger), invite: 'aaaa-aaaa-aaaa-aaaa' })
    await expect(wrong).rejects.toMatchObject({ code: 'not-found' })
  })

  test('knows what time it is at INDEX, whatever this device thinks', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3 * 3600_000 })
    onTestFinished(() => void vi.useRealTimers())
    const requests = anonymous()
    expect(requests.serverTime).toBeCloseTo(Date.now(), -4)
    await fetchBootstrap(requests)
    expect(requests.serverTime - Date.now()).toBeGreaterThan(3 * 3600_000 - 3000)
  })

  test('reads the nodes with their keys and addresses, and leaves out what is none', async () => {
    const lease = {
      node: 'node_a' as never,
      roles: ['checkpoint' as const],
      publicKey: 'a'.repeat(52),
      addresses: { checkpoint: ['127.0.0.1:3470', '[::1]:3470'], stun: ['not an address'] },
      load: 0,
      draining: false,
      startedAt: 1,
      expiresAtSeconds: Math.floor(Date.now() / 1000) + 60,
    }
    await fleet.register(lease)
    await fleet.register({ ...lease, node: 'node_b' as never, publicKey: 'not a key' })
    const { nodes } = await fetchBootstrap(anonymous())
    expect(nodes).toMatchObject([{ node: 'node_a', publicKey: new Uint8Array(32), stun: [], relay: [] }])
    expect(nodes[0]!.checkpoint.map(({ words }) => words[4])).toEqual([3470, 3470])
  })
})

describe('the client of INDEX', () => {
  test('reads and edits what the user may, and keeps to the version it was told', async () => {
    const { ticket, index } = await member('bea')
    const user = await index.users.get(ticket.user)
    const edited = await index.users.update(
      ticket.user,
      { attributes: { team: 'red' } },
      { ifVersion: user.version },
    )
    expect(edited).toMatchObject({ name: 'bea', attributes: { team: 'red' } })
    const late = index.users.update(ticket.user, { name: 'late' }, { ifVersion: user.version })
    await expect(late).rejects.toMatchObject({ code: 'precondition-failed' })
    const { items } = await index.networks.list()
    expect(items.map(({ network }) => network)).toEqual([founded.network])
  })

  test('makes a network, invites into it, changes roles and removes', async () => {
    const [owner, guest] = [await member('cleo'), await member('dan')]
    const { network } = await owner.index.networks.create({ name: 'chess club' })
    const { code, invite } = await owner.index.invites.create(network, { role: 'guest', uses: 1 })
    const again = { proof: proof(guest.identity), invite: code }
    expect((await enrol(anonymous(), again)).networks).toContain(network)
    expect((await owner.index.invites.list(network)).items).toMatchObject([{ invite, used: 1 }])
    await owner.index.members.put(network, guest.ticket.user, 'admin')
    const roles = (await owner.index.members.list(network)).items.map(({ user, role }) => [user, role])
    expect(new Map(roles as [string, string][])).toEqual(
      new Map([
        [owner.ticket.user, 'owner'],
        [guest.ticket.user, 'admin'],
      ]),
    )
    await owner.index.members.delete(network, guest.ticket.user)
    expect((await owner.index.members.list(network)).items).toHaveLength(1)
    await owner.index.networks.delete(network)
    await expect(owner.index.networks.get(network)).rejects.toMatchObject({ code: 'not-found' })
  })

  test('keeps objects, private and of a network, whatever is in their ids', async () => {
    const { index } = await member('eve')
    const { network } = founded
    const made = await index.objects.put('boards', 'board~1', { network, value: { level: 3 } })
    expect(made).toMatchObject({ collection: 'boards', network, value: { level: 3 } })
    const patch = { level: null, theme: 'dark' }
    expect(await index.objects.update('boards', 'board~1', patch, { network })).toMatchObject({
      value: { theme: 'dark' },
    })
    await expect(index.objects.get('boards', 'board~1')).rejects.toMatchObject({ code: 'not-found' })
    await index.objects.delete('boards', 'board~1', { network })
    await expect(index.objects.get('boards', 'board~1', { network })).rejects.toMatchObject({
      code: 'not-found',
    })
    await expect(index.objects.get('boards', '../users')).rejects.toThrow(/is no object id/)
  })

  test('finds peers by a filter, page by page', async () => {
    const some = await Promise.all(['f1', 'f2', 'f3'].map((name) => member(`finder ${name}`)))
    const { index } = some[0]!
    const found = async () => {
      const peers: PeerId[] = []
      let cursor: string | undefined
      do {
        const page = await index.peers.list({
          filter: 'name sw "finder"',
          limit: 2,
          ...(cursor && { cursor }),
        })
        peers.push(...page.items.map(({ peer }) => peer))
        cursor = page.cursor
      } while (cursor !== undefined)
      return peers.sort()
    }
    const expected = some.map(({ identity }) => identity.peer).sort()
    await expect.poll(found, { timeout: 10_000 }).toEqual(expected)
    expect((await index.search('peer', { filter: 'name eq "finder f2"' })).items).toMatchObject([
      { peer: some[1]!.identity.peer, presence: { status: 'offline' } },
    ])
    const wrong = index.peers.list({ filter: 'name ==' })
    await expect(wrong).rejects.toMatchObject({ code: 'bad-request' })
  })

  test('blocks and takes it back', async () => {
    const [blocker, blocked] = [await member('gus'), await member('hal')]
    const { user } = blocker.ticket
    await blocker.index.users.block(user, blocked.identity.peer)
    await blocker.index.users.block(user, blocked.ticket.user)
    const { items } = await blocker.index.users.blocks(user)
    expect([...items].sort()).toEqual([blocked.identity.peer, blocked.ticket.user].sort())
    await blocker.index.users.unblock(user, blocked.identity.peer)
    expect((await blocker.index.users.blocks(user)).items).toEqual([blocked.ticket.user])
  })

  test('is refused what the user may not', async () => {
    const [mine, theirs] = [await member('ida'), await member('jo')]
    const rename = mine.index.users.update(theirs.ticket.user, { name: 'renamed' })
    await expect(rename).rejects.toMatchObject({ code: 'forbidden' })
    const nobody = indexClient(new Requests(url, () => 'not.a.ticket'))
    await expect(nobody.users.list()).rejects.toMatchObject({ code: 'unauthenticated' })
  })
})

describe('what is not INDEX', () => {
  test('is told from one that does not answer', async () => {
    const silent = new Requests('http://127.0.0.1:9', () => '')
    await expect(fetchBootstrap(silent)).rejects.toThrow(/127\.0\.0\.1:9 does not answer/)
    expect(() => new Requests('localhost:8787', () => '')).toThrow(/such as https:/)
  })

  test.each([
    401, 403, 404, 407, 410, 511,
  ])('is never taken at its word, as when a portal answers %i', async (status) => {
    const bodies = ['<html>', '{}', '{"code":"forbidden","detail":"sign in first"}']
    const server = createServer((request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(bodies[Number(request.url?.at(-1))])
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await new Promise((listening) => server.once('listening', listening))
    const portal = new Requests(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => '')
    for (const i of bodies.keys())
      await expect(portal.send('GET', `/${i}`)).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('is said so when it answers with something else', async () => {
    const server = createServer((request, response) => {
      response.statusCode = request.url?.includes('tickets') ? 502 : 200
      response.end('<html>')
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await new Promise((listening) => server.once('listening', listening))
    const page = new Requests(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => '')
    await expect(fetchBootstrap(page)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(fetchTicket(page, 'x')).rejects.toMatchObject({ code: 'unavailable' })
  })
})
