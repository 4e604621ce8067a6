/** The roster, names in records, and what a peer is not told about itself. */
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type System, startSystem } from '../../local/system.ts'
import {
  type Change,
  type JoinOptions,
  join,
  type Offer,
  type Peer,
  type PresenceRecord,
} from '../../peer/index.ts'

let system: System
const joined: Peer[] = []

beforeAll(async () => {
  system = await startSystem({ freePorts: true })
})
afterAll(() => system.close())
afterEach(async () => {
  await Promise.all(joined.splice(0).map((peer) => peer.close()))
})

async function joining(name: string, options: Partial<JoinOptions> = {}): Promise<Peer> {
  const peer = await join({ index: system.index, invite: system.invite, name, ...options })
  joined.push(peer)
  return peer
}

/** Calls INDEX as an administrator. */
const admin = (method: string, path: string, body?: unknown) =>
  fetch(`${system.index}${path}`, {
    method,
    headers: { authorization: `Bearer ${system.adminKey}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).then(async (response) => {
    expect(response.ok).toBe(true)
    return response.status === 204 ? undefined : await response.json()
  })

const isOf = (peer: Peer) => (record: PresenceRecord) => record.peer === peer.peer

/** Resolves with the first matching event about that peer. */
const about = (
  peer: Peer,
  event: 'enter' | 'change' | 'leave',
  other: Peer,
  fits = (_: PresenceRecord) => true,
) =>
  new Promise<PresenceRecord>((resolve) => {
    const hear = (record: PresenceRecord) => {
      if (!isOf(other)(record) || !fits(record)) return
      peer.roster.off(event, hear)
      resolve(record)
    }
    peer.roster.on(event, hear)
  })

describe('a record', () => {
  test('has the names of the peer and its user, found, heard of and read', async () => {
    const ann = await joining('Ann')
    const heard = new Promise<PresenceRecord>((resolve) => {
      ann.on('presence', (record) => record.custom === 'new here' && resolve(record))
    })
    const bob = await joining('Bob', { custom: 'new here' })
    const names = { peer: bob.peer, name: 'Bob', userName: 'Bob' }
    expect(await heard).toMatchObject(names)
    expect(await ann.find({ peer: bob.peer })).toMatchObject([names])
    await expect.poll(() => ann.find('custom eq "new here"'), { timeout: 10_000 }).toMatchObject([names])
  })
})

describe('a roster', () => {
  test('has who was there before, and tells a listener that comes late of each', async () => {
    const bob = await joining('Bob')
    const ann = await joining('Ann')
    await ann.roster.ready()
    await expect.poll(() => ann.roster.get(bob.peer), { timeout: 10_000 }).toMatchObject({ name: 'Bob' })
    expect([...ann.roster].filter(isOf(bob))).toHaveLength(1)
    expect(ann.roster.size).toBe([...ann.roster].length)
    expect(ann.roster.get(ann.peer)).toBeUndefined()
    const first: PresenceRecord[] = []
    ann.roster.on('enter', (record) => void first.push(record))
    const [once] = await new Promise<PresenceRecord[]>((resolve) =>
      ann.roster.once('enter', (...all) => resolve(all)),
    )
    expect(once).toBeDefined()
    expect(first.filter(isOf(bob))).toHaveLength(1)
  })

  test('tells who comes, changes, is called differently, and goes', async () => {
    const ann = await joining('Ann')
    await ann.roster.ready()
    const identity = new Uint8Array(32).fill(7)
    const bob = await joining('Bob', { identity })
    expect(await about(ann, 'enter', bob)).toMatchObject({ status: 'online', name: 'Bob' })

    const busy = about(ann, 'change', bob, ({ status }) => status === 'busy')
    bob.status('busy', { custom: 'at lunch' })
    expect(await busy).toMatchObject({ custom: 'at lunch' })

    const renamed = about(ann, 'change', bob, ({ userName }) => userName === 'Robert')
    await bob.index.users.update(bob.user, { name: 'Robert' })
    expect(await renamed).toMatchObject({ name: 'Bob', userName: 'Robert', status: 'busy' })

    const gone = about(ann, 'leave', bob)
    await bob.close()
    expect(await gone).toMatchObject({ userName: 'Robert' })
    expect(ann.roster.get(bob.peer)).toBeUndefined()
  })

  test('follows who shares a network, and whom one shares a network with', async () => {
    const [ann, bob, eve] = await Promise.all([joining('Ann'), joining('Bob'), joining('Eve')])
    await expect.poll(() => ann.roster.get(eve.peer), { timeout: 10_000 }).toBeDefined()
    await expect.poll(() => bob.roster.get(ann.peer), { timeout: 10_000 }).toBeDefined()
    const [network] = ann.networks
    const gone = [about(ann, 'leave', eve), about(bob, 'leave', eve)]
    await admin('DELETE', `/v1/networks/${network}/members/${eve.user}`)
    await Promise.all(gone)
    expect(bob.roster.get(ann.peer)).toBeDefined()

    const back = [about(ann, 'enter', eve), about(eve, 'enter', ann)]
    await admin('PUT', `/v1/networks/${network}/members/${eve.user}`, { role: 'member' })
    await Promise.all(back)
  })

  test('says why it is not ready', async () => {
    const ann = await joining('Ann')
    const { roster } = ann
    const reason = new Error('enough')
    await expect(roster.ready({ signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
      code: 'closed',
      cause: reason,
    })
    await ann.close()
    await expect(roster.ready()).rejects.toMatchObject({ code: 'closed' })
  })
})

describe('a peer is not told', () => {
  test('of its own enrolment', async () => {
    const ann = await joining('Ann')
    const changes: Change[] = []
    ann.on('change', (change) => void changes.push(change))
    const heard = once(ann, 'change')
    await ann.index.users.update(ann.user, { attributes: { dog: 'Rex' } })
    await heard
    expect(changes).toMatchObject([{ kind: 'metadata', entity: 'user', id: ann.user }])
  })

  test('that the others are unknown, when it closes', async () => {
    const [ann, bob] = await Promise.all([joining('Ann'), joining('Bob')])
    await expect.poll(() => ann.roster.get(bob.peer), { timeout: 10_000 }).toBeDefined()
    const told: unknown[] = []
    ann.on('presence', (record) => void told.push(record))
    ann.roster
      .on('change', (record) => void told.push(record))
      .on('leave', (record) => void told.push(record))
    await ann.close()
    expect(told).toEqual([])
  })

  test('of the same path twice', async () => {
    const [ann, bob] = await Promise.all([joining('Ann'), joining('Bob')])
    await expect.poll(() => ann.roster.get(bob.peer), { timeout: 10_000 }).toBeDefined()
    const paths = { ann: [] as string[], bob: [] as string[] }
    bob.on('offer', async (offer: Offer) => {
      const accepted = await offer.accept()
      accepted.on('path', (...path) => void paths.bob.push(path.join()))
      accepted.on('message', (message) => accepted.send(message))
    })
    const socket = await ann.connect(bob.peer)
    socket.on('path', (...path) => void paths.ann.push(path.join()))
    await expect.poll(() => socket.path, { timeout: 20_000 }).toBe('direct')
    const answered = once(socket, 'message')
    socket.send('both have settled')
    await answered
    for (const told of Object.values(paths)) {
      expect(told.length).toBeGreaterThan(0)
      expect(told.filter((path, i) => path === told[i - 1])).toEqual([])
    }
    socket.close()
  })
})

describe('a listing', () => {
  test('is a page when it is awaited, and everything when it is iterated', async () => {
    const ann = await joining('Ann')
    const ids = ['a', 'b', 'c', 'd', 'e']
    for (const id of ids) await ann.index.objects.put('notes', id, { value: { id } })
    await expect.poll(async () => (await ann.index.objects.list('notes')).items).toHaveLength(ids.length)
    const page = await ann.index.objects.list('notes', { limit: 2 })
    expect(page.items).toHaveLength(2)
    const all: string[] = []
    for await (const { id } of ann.index.objects.list('notes', { limit: 2 })) all.push(id)
    expect(all.sort()).toEqual(ids)
    const users: string[] = []
    for await (const { user } of ann.index.users.list({ limit: 2 })) users.push(user)
    expect(users).toContain(ann.user)
    expect(new Set(users).size).toBe(users.length)
  })

  test('rejects with what is wrong, either way', async () => {
    const ann = await joining('Ann')
    const wrong = () => ann.index.users.list({ filter: 'name name' })
    await expect(wrong()).rejects.toMatchObject({ code: 'bad-request' })
    await expect(wrong()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'bad-request' })
  })
})
