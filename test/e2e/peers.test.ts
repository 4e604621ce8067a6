/** The main features as an application sees them: the SDK on a running system, with peers on different nodes. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import type { Change, NetworkId, Peer, PeerSocket, UserId } from '../../peer/index.ts'
import { heard, systemUnderTest, until } from './system-under-test.ts'

const TICKET_MS = 6_000
const { system, join, joinAt, admin } = await systemUnderTest({ ticketMs: TICKET_MS })
const identity = randomBytes(32)
let ada: Peer
let ben: Peer
let begunAt: number
/** Interruptions of Ada, who must be online all the time. */
const interruptions: unknown[] = []

beforeAll(async () => {
  ada = await joinAt(0, { name: 'Ada' })
  begunAt = Date.now()
  ada.on('state', (...change) => interruptions.push(change))
  ben = await joinAt(1, { name: 'Ben', identity, metadata: { game: 'chess', rating: 1740 } })
})

const of = ({ peer }: Peer) => ({ peer })
const isOf = (whose: Peer, status?: string) => (record: { peer: string; status: string }) =>
  record.peer === whose.peer && (status === undefined || record.status === status)

describe('others', () => {
  test('are found at another node by live metadata, by id and by user', async () => {
    const found = await until(async () => {
      const list = await ada.find(
        'metadata.game eq "chess" and metadata.rating gt 1500 and status eq "online"',
      )
      return list.length > 0 && list
    })
    expect(found).toMatchObject([
      { peer: ben.peer, user: ben.user, metadata: { game: 'chess', rating: 1740 } },
    ])
    expect(await ada.find(of(ben))).toMatchObject([{ peer: ben.peer, status: 'online' }])
    expect(await ada.find({ user: ben.user })).toMatchObject([{ peer: ben.peer }])
  })

  test('are told of a status with a custom text and of other metadata', async () => {
    const told = heard(ada, 'presence', isOf(ben, 'away'))
    ben.status('away', { custom: 'at lunch', metadata: { game: 'go' } })
    expect(await told).toMatchObject([{ custom: 'at lunch', metadata: { game: 'go' } }])
  })

  test('see an invisible peer as offline, without its metadata, and still reach it', async () => {
    const gone = heard(ada, 'presence', isOf(ben))
    ben.status('invisible')
    expect(await gone).toMatchObject([{ status: 'offline', custom: '', metadata: {} }])
    const back = heard(ada, 'presence', isOf(ben))
    ben.status('online', { custom: '' })
    expect(await back).toMatchObject([{ status: 'online', metadata: { game: 'go' } }])
  })

  test('see who left as offline at once, and when it was last there', async () => {
    const leaver = await joinAt(1)
    const gone = heard(ada, 'presence', isOf(leaver, 'offline'))
    const leftAt = Date.now()
    await leaver.close()
    const [record] = await gone
    expect(Math.abs(record.lastSeenAt - leftAt)).toBeLessThan(2_000)
    expect(await ada.find(of(leaver))).toMatchObject([{ status: 'offline', lastSeenAt: record.lastSeenAt }])
  })
})

describe('a message', () => {
  test('crosses nodes and is acknowledged by the other application', async () => {
    const arrived = heard(ben, 'message')
    expect(await ada.send(ben.peer, 'e4')).toBe('delivered')
    expect(await arrived).toMatchObject([{ from: ada.peer, text: 'e4' }])
  })

  test('waits for a peer that is away, in order, and comes once', async () => {
    await ben.close()
    await until(async () => (await ada.find(of(ben)))[0]?.status === 'offline')
    for (const text of ['1', '2', '3']) expect(await ada.send(ben.peer, text)).toBe('stored')
    ben = await join({ identity })
    const texts: string[] = []
    ben.on('message', ({ text }) => texts.push(text))
    expect(await ada.send(ben.peer, '4')).toMatch(/delivered|stored/)
    await until(() => texts.length >= 4)
    expect(texts).toEqual(['1', '2', '3', '4'])
  })

  test('to a user reaches each of its devices', async () => {
    const { code } = await ben.index.invites.create(system.network, { user: ben.user })
    const phone = await joinAt(0, { invite: code, identity: randomBytes(32) })
    expect(phone.user).toBe(ben.user)
    const all = [heard(ben, 'message'), heard(phone, 'message')]
    await until(async () => (await ada.find({ user: ben.user })).length === 2)
    expect(await ada.send(ben.user, 'both of you')).toBe('delivered')
    for (const [{ text }] of await Promise.all(all)) expect(text).toBe('both of you')
    await phone.close()
  })
})

describe('an offer', () => {
  test('is refused with the reason that the other application gives', async () => {
    ben.once('offer', (offer) => offer.refuse(`no ${offer.intent} today`))
    await expect(ada.connect(ben.peer, { intent: 'chess' })).rejects.toMatchObject({
      code: 'refused',
      message: 'no chess today',
    })
  })

  test('is refused as not listened for where nobody listens', async () => {
    await expect(ada.connect(ben.peer)).rejects.toMatchObject({ code: 'refused', message: 'not-listening' })
  })

  test('to a peer that is away says so', async () => {
    const leaver = await join()
    await leaver.close()
    await expect(ada.connect(leaver.peer)).rejects.toMatchObject({ code: 'peer-offline' })
  })
})

describe('consent', () => {
  test.each([
    ['peer', () => ada.peer],
    ['user', () => ada.user],
  ] as const)('a blocked %s gets neither messages nor tunnels through, until it is no longer', async (_, whom) => {
    await ben.index.users.block(ben.user, whom())
    const heard = vi.fn()
    ben.on('message', heard)
    await until(() =>
      ada.connect(ben.peer).then(
        () => false,
        ({ code }) => code === 'peer-offline',
      ),
    )
    expect(await ada.send(ben.peer, 'hello?')).toBe('stored')
    expect(await ada.find(of(ben))).toMatchObject([{ status: 'offline', metadata: {} }])
    expect(heard).not.toHaveBeenCalled()
    await ben.index.users.unblock(ben.user, whom())
    expect(await ada.send(ben.peer, 'hello!')).toMatch(/delivered|stored/)
    await until(() => heard.mock.calls.length > 0)
    expect(heard.mock.calls).toMatchObject([[{ from: ada.peer, text: 'hello!' }]])
    ben.off('message', heard)
  })
})

describe('a network', () => {
  let club: NetworkId
  let cleo: Peer
  const isMembershipOf = (user: UserId) => (change: Change) =>
    change.kind === 'membership' && change.network === club && change.user === user

  beforeAll(async () => {
    club = (await admin<{ network: NetworkId }>('POST', '/v1/networks', { name: 'club' })).network
    const { code } = await admin<{ code: string }>('POST', `/v1/networks/${club}/invites`, { role: 'member' })
    cleo = await joinAt(1, { invite: code, identity: randomBytes(32), name: 'Cleo' })
  })

  test('hears of a new member, and they see and reach each other from then on', async () => {
    await expect(cleo.send(ada.peer, 'hello')).rejects.toMatchObject({ code: 'unknown-peer' })
    const told = [cleo, ada].map((peer) => heard(peer, 'change', isMembershipOf(ada.user)))
    const seen = heard(cleo, 'presence', isOf(ada, 'online'))
    await admin('PUT', `/v1/networks/${club}/members/${ada.user}`, { role: 'member' })
    for (const [change] of await Promise.all(told)) expect(change).toMatchObject({ role: 'member' })
    await seen
    expect(ada.networks).toContain(club)
    ada.once('message', () => {})
    expect(await cleo.send(ada.peer, 'hello')).toBe('delivered')
  })

  test('hears of metadata of a member, of the network and of an object', async () => {
    const user = heard(cleo, 'change', (change) => change.kind === 'metadata' && change.entity === 'user')
    await ada.index.users.update(ada.user, { attributes: { title: 'GM' } })
    expect(await user).toMatchObject([{ id: ada.user, value: { attributes: { title: 'GM' } } }])
    const network = heard(
      ada,
      'change',
      (change) => change.kind === 'metadata' && change.entity === 'network',
    )
    await admin('PATCH', `/v1/networks/${club}`, { name: 'the club' })
    expect(await network).toMatchObject([{ id: club, value: { name: 'the club' } }])
    const object = heard(cleo, 'change', (change) => change.kind === 'metadata' && change.entity === 'object')
    await ada.index.objects.put('boards', 'b1', { network: club, value: { level: 3 } })
    expect(await object).toMatchObject([{ collection: 'boards', id: 'b1', value: { level: 3 } }])
  })

  test('loses a member: it is told, and is neither seen nor reached any more', async () => {
    const told = [cleo, ada].map((peer) => heard(peer, 'change', isMembershipOf(cleo.user)))
    await admin('DELETE', `/v1/networks/${club}/members/${cleo.user}`)
    for (const [change] of await Promise.all(told)) expect(change).toMatchObject({ role: null })
    await expect(ada.send(cleo.peer, '?')).rejects.toMatchObject({ code: 'unknown-peer' })
    await expect(ada.connect(cleo.peer)).rejects.toMatchObject({ code: 'unknown-peer' })
    await until(async () => (await ada.find({ user: cleo.user })).length === 0)
    expect(cleo.networks).toEqual([])
  })

  test('puts a peer out that is revoked, and does not let it in again', async () => {
    const seed = randomBytes(32)
    const thief = await joinAt(0, { identity: seed })
    const out = heard(thief, 'state')
    await admin('DELETE', `/v1/peers/${thief.peer}`)
    expect(await out).toEqual(['offline', 'revoked'])
    await expect(join({ identity: seed })).rejects.toMatchObject({ code: 'forbidden' })
  })
})

describe('a tunnel', () => {
  async function tunnel(paths: 'auto' | 'relay-only'): Promise<[PeerSocket, PeerSocket]> {
    const accepted = heard(ben, 'offer').then(([offer]) => offer.accept())
    return Promise.all([ada.connect(ben.peer, { intent: 'play', paths }), accepted])
  }

  async function greet(a: PeerSocket, b: PeerSocket): Promise<void> {
    const arrived = [heard(a, 'message'), heard(b, 'message')]
    a.send('there')
    b.send('back')
    expect((await Promise.all(arrived)).map(([bytes]) => bytes.toString())).toEqual(['back', 'there'])
  }

  /** Reads a stream to its end. Unlike an iterator over a Duplex, it leaves the other direction open. */
  async function bytesOf(stream: Duplex): Promise<Buffer> {
    const chunks: Buffer[] = []
    stream.on('data', (chunk) => chunks.push(chunk))
    await once(stream, 'end')
    return Buffer.concat(chunks)
  }

  /** Transfers bytes in both directions at the same time, each to its end. */
  async function exchange(a: PeerSocket, b: PeerSocket, bytes: number, name: string): Promise<void> {
    const opened = heard(b, 'stream', (_, about) => about.name === name)
    const here = await a.createStream({ name })
    const [there] = await opened
    const [up, down] = [randomBytes(bytes), randomBytes(bytes)]
    here.end(up)
    there.end(down)
    const [atB, atA] = await Promise.all([bytesOf(there), bytesOf(here)])
    expect(atB.equals(up) && atA.equals(down)).toBe(true)
  }

  test('becomes direct where nothing stands between, and carries datagrams and streams', async () => {
    const [a, b] = await tunnel('auto')
    await until(() => a.path === 'direct' && b.path === 'direct')
    expect([a.whyNotDirect, b.whyNotDirect]).toEqual([undefined, undefined])
    await greet(a, b)
    await exchange(a, b, 2_000_000, 'large')
    a.close()
  })

  test('stays on the relay where that is wanted, says so, and carries the same', async () => {
    const [a, b] = await tunnel('relay-only')
    const relay = system.relays[0]!.addresses.relay![0]
    for (const socket of [a, b]) {
      await until(() => socket.whyNotDirect === 'policy')
      const { address, port } = socket.remoteAddress()
      expect([socket.path, `${address}:${port}`]).toEqual(['relayed', relay])
    }
    await greet(a, b)
    await exchange(a, b, 2_000_000, 'large')
    a.close()
  })

  test('carries many streams at once, opened by both sides', async () => {
    const [a, b] = await tunnel('auto')
    for (const socket of [a, b]) socket.setMaxListeners(20)
    const from = (opener: PeerSocket, other: PeerSocket, name: string) =>
      Array.from({ length: 20 }, (_, i) => exchange(opener, other, 20_000, `${name} ${i}`))
    await Promise.all([...from(a, b, 'up'), ...from(b, a, 'down')])
    a.close()
  })

  test('tells both sides when one closes it', async () => {
    const [a, b] = await tunnel('auto')
    const ends = [heard(a, 'close'), heard(b, 'close')]
    b.close()
    expect(await Promise.all(ends)).toEqual([['closedByOther'], ['closed']])
    expect(() => a.send('too late')).toThrow(expect.objectContaining({ code: 'closed' }))
  })
})

test('peers stay online beyond the end of their tickets, as they renew them', () => {
  expect(Date.now() - begunAt).toBeGreaterThan(TICKET_MS)
  expect([ada.state, ben.state, ...interruptions]).toEqual(['online', 'online'])
})
