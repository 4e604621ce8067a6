/**
 * What every implementation of `Directory` promises, as tests. `makeDirectory` is called once for each test; ids differ from
 * test to test, so that implementations may share their tables.
 */
import { describe, expect, test } from 'vitest'
import type { Directory, DirectoryReply, DirectoryRequest, StoredMessage } from '../../shared/directory.ts'
import {
  type NetworkId,
  type NodeId,
  type PeerId,
  peerIdOf,
  toBase32,
  type UserId,
} from '../../shared/ids.ts'
import { LIMITS } from '../../shared/limits.ts'
import { asSeenByOthers, type PresenceItem } from '../../shared/presence.ts'

export interface DirectoryUnderTest {
  readonly directory: Directory
  /** Makes the peer known as INDEX would: it belongs to the user, who is a member of the networks. */
  enrol(peer: PeerId, user: UserId, networks: readonly NetworkId[]): Promise<void>
  revoke(peer: PeerId): Promise<void>
  /** The nodes that have members of the network online. */
  nodesOf(network: NetworkId): Promise<NodeId[]>
  /** Resolves when `find` sees what was written; at once where it always does. */
  settled?(): Promise<void>
}

export function directoryContract(name: string, makeDirectory: () => Promise<DirectoryUnderTest>): void {
  describe(`directory: ${name}`, () => {
    sessions(makeDirectory)
    locating(makeDirectory)
    finding(makeDirectory)
    mail(makeDirectory)
    networks(makeDirectory)
  })
}

type Make = () => Promise<DirectoryUnderTest>

const A = 'node_aaaaaaaa' as NodeId
const B = 'node_bbbbbbbb' as NodeId
const NOW = 1_800_000_000_000

function sessions(make: Make): void {
  test('a peer is where it signed in', async () => {
    const { directory } = await make()
    const item = presence({ node: A, since: NOW, status: 'away' })
    expect(await directory.ask({ kind: 'signIn', item })).toEqual({ kind: 'signIn', outcome: 'taken' })
    expect(await located(directory, item.peer)).toEqual({
      peer: item.peer,
      user: item.user,
      node: A,
      since: NOW,
      status: 'away',
      networks: item.networks,
    })
  })

  test('metadata of any number that a peer may give is taken', async () => {
    const { directory } = await make()
    const item = presence({ node: A, since: NOW, metadata: { big: 2 ** 60, great: 1e125, small: -1.5e-130 } })
    expect(await directory.ask({ kind: 'signIn', item })).toEqual({ kind: 'signIn', outcome: 'taken' })
  })

  test('a sign-in tells the networks of the user as they are now, and is in those', async () => {
    const { directory, enrol } = await make()
    const item = presence({ node: A, since: NOW })
    const [present] = presence({ node: A, since: NOW }).networks
    await enrol(item.peer, item.user, [present!])
    const reply = await directory.ask({ kind: 'signIn', item })
    expect(reply).toEqual({
      kind: 'signIn',
      outcome: 'taken',
      standing: { networks: [present], blocks: [] },
    })
    expect((await located(directory, item.peer))?.networks).toEqual([present])
  })

  test('a revoked peer does not sign in', async () => {
    const { directory, enrol, revoke } = await make()
    const item = presence({ node: A, since: NOW })
    await enrol(item.peer, item.user, item.networks)
    await revoke(item.peer)
    expect(await directory.ask({ kind: 'signIn', item })).toEqual({ kind: 'signIn', outcome: 'revoked' })
    expect((await located(directory, item.peer))?.node).toBeUndefined()
  })

  test('a newer session takes the peer over and learns where it was', async () => {
    const { directory } = await make()
    const item = presence({ node: A, since: NOW })
    await directory.ask({ kind: 'signIn', item })
    const reply = await directory.ask({ kind: 'signIn', item: { ...item, node: B, since: NOW + 1 } })
    expect(reply).toEqual({ kind: 'signIn', outcome: 'taken', previousNode: A })
    expect((await located(directory, item.peer))?.node).toBe(B)
  })

  test('a newer session at the same node has no other node to tell', async () => {
    const { directory } = await make()
    const item = presence({ node: A, since: NOW })
    await directory.ask({ kind: 'signIn', item })
    const reply = await directory.ask({ kind: 'signIn', item: { ...item, since: NOW + 1 } })
    expect(reply).toEqual({ kind: 'signIn', outcome: 'taken' })
  })

  test('an older session, and one of the same moment elsewhere, come too late', async () => {
    const { directory } = await make()
    const item = presence({ node: A, since: NOW })
    await directory.ask({ kind: 'signIn', item })
    for (const since of [NOW - 1, NOW]) {
      const reply = await directory.ask({ kind: 'signIn', item: { ...item, node: B, since } })
      expect(reply).toEqual({ kind: 'signIn', outcome: 'stale', since: NOW })
    }
    expect((await located(directory, item.peer))?.node).toBe(A)
  })

  test('a sign-in that is repeated is taken again', async () => {
    const { directory } = await make()
    const item = presence({ node: A, since: NOW })
    await directory.ask({ kind: 'signIn', item })
    expect(await directory.ask({ kind: 'signIn', item })).toEqual({ kind: 'signIn', outcome: 'taken' })
  })

  test('of many sign-ins at once the newest remains', async () => {
    const { directory } = await make()
    const item = presence({ node: A, since: NOW })
    const moments = [3, 9, 1, 7, 5, 2, 8, 6, 4, 0]
    const nodes = moments.map((moment) => `node_aaaaaaa${moment}` as NodeId)
    await Promise.all(
      moments.map((moment, i) =>
        directory.ask({ kind: 'signIn', item: { ...item, node: nodes[i]!, since: NOW + moment } }),
      ),
    )
    expect(await located(directory, item.peer)).toMatchObject({ node: 'node_aaaaaaa9', since: NOW + 9 })
  })

  test('an update changes the session it is of', async () => {
    const { directory } = await make()
    const item = presence({ node: A, since: NOW })
    await directory.ask({ kind: 'signIn', item })
    const changed = { ...item, status: 'busy', version: 2 } as const
    expect(await directory.ask({ kind: 'update', item: changed })).toEqual({ kind: 'update' })
    expect((await located(directory, item.peer))?.status).toBe('busy')
  })

  test('an update of another session, of an earlier version, or of nobody changes nothing', async () => {
    const { directory } = await make()
    const item = presence({ node: A, since: NOW, version: 5, status: 'online' })
    await directory.ask({ kind: 'signIn', item })
    const outdated = [
      { ...item, since: NOW - 1, version: 9 },
      { ...item, node: B, version: 9 },
      { ...item, version: 4 },
    ]
    for (const other of outdated) {
      expect(await directory.ask({ kind: 'update', item: { ...other, status: 'busy' } })).toEqual({
        kind: 'update',
      })
    }
    expect((await located(directory, item.peer))?.status).toBe('online')
    const nobody = presence({ node: A, since: NOW })
    await directory.ask({ kind: 'update', item: nobody })
    expect(await located(directory, nobody.peer)).toBeUndefined()
  })

  test('a peer that signed out is known, offline and nowhere', async () => {
    const { directory, enrol } = await make()
    const item = presence({ node: A, since: NOW })
    await enrol(item.peer, item.user, item.networks)
    await directory.ask({ kind: 'signIn', item })
    const signOut = { kind: 'signOut', peer: item.peer, node: A, since: NOW, lastSeenAt: NOW + 9 } as const
    expect(await directory.ask(signOut)).toEqual({ kind: 'signOut' })
    const { peer, user, networks } = item
    expect(await located(directory, peer)).toEqual({ peer, user, since: NOW, status: 'offline', networks })
  })

  test('the sign-out of a session that was replaced changes nothing', async () => {
    const { directory } = await make()
    const item = presence({ node: A, since: NOW })
    await directory.ask({ kind: 'signIn', item })
    await directory.ask({ kind: 'signIn', item: { ...item, node: B, since: NOW + 1 } })
    await directory.ask({ kind: 'signOut', peer: item.peer, node: A, since: NOW, lastSeenAt: NOW })
    await directory.ask({ kind: 'signOut', peer: item.peer, node: B, since: NOW, lastSeenAt: NOW })
    expect((await located(directory, item.peer))?.node).toBe(B)
  })
}

function locating(make: Make): void {
  test('nobody knows a peer that was never made', async () => {
    const { directory } = await make()
    expect(await directory.ask({ kind: 'locate', peer: newPeer() })).toEqual({ kind: 'locate' })
  })

  test('a peer that never signed in is found with its user and networks', async () => {
    const { directory, enrol } = await make()
    const { peer, user, networks } = presence({ node: A, since: 0 })
    await enrol(peer, user, networks)
    expect(await located(directory, peer)).toEqual({ peer, user, since: 0, status: 'offline', networks })
  })

  test('a network that was joined while the peer was away counts', async () => {
    const { directory, enrol } = await make()
    const item = presence({ node: A, since: NOW })
    await directory.ask({ kind: 'signIn', item: { ...item, networks: [] } })
    await directory.ask({ kind: 'signOut', peer: item.peer, node: A, since: NOW, lastSeenAt: NOW })
    await enrol(item.peer, item.user, item.networks)
    expect((await located(directory, item.peer))?.networks).toEqual(item.networks)
  })
}

function finding(make: Make): void {
  /** Three peers of one network, each at its own status, and one of another network. */
  async function company() {
    const { directory, enrol, settled } = await make()
    const asker = presence({ node: A, since: NOW })
    const { networks } = asker
    const others = (['away', 'busy', 'invisible'] as const).map((status) =>
      presence({ node: A, since: NOW, status, networks }),
    )
    for (const item of [asker, ...others, presence({ node: A, since: NOW })]) {
      await enrol(item.peer, item.user, item.networks)
      await directory.ask({ kind: 'signIn', item })
    }
    await settled?.()
    const find = (filter: string, limit = 10) =>
      ask(directory, { kind: 'find', asker: asker.peer, networks, filter, limit })
    return { find, others }
  }

  test('peers of the networks are found by what they say of themselves, the asker not', async () => {
    const { find, others } = await company()
    expect(await find('status eq "away" or status eq "online"')).toEqual({
      kind: 'find',
      found: [asSeenByOthers(others[0]!)],
      more: false,
    })
  })

  test('who is invisible is found offline, without what is live', async () => {
    const { find, others } = await company()
    expect((await find('status eq "invisible"')).found).toEqual([])
    expect((await find('status eq "offline"')).found).toEqual([asSeenByOthers(others[2]!)])
    expect((await find('metadata.map eq "dust"')).found).toHaveLength(2)
  })

  test('more are there than were asked for', async () => {
    const { find } = await company()
    const { found, more } = await find('status eq "away" or status eq "busy"', 1)
    expect([found.length, more]).toEqual([1, true])
  })

  test('a filter that is none is told so', async () => {
    const { find } = await company()
    const reply = await find('status equals away')
    expect(reply).toMatchObject({ found: [], more: false, invalid: expect.stringMatching(/./) })
  })
}

function mail(make: Make): void {
  test('a mailbox gives back whole messages, in the order of their sending', async () => {
    const { directory } = await make()
    const peer = newPeer()
    const messages = [
      message({ sequence: 1 }),
      message({ sequence: 2, previous: 1 }),
      message({ sequence: 3, previous: 2 }),
    ]
    for (const one of [messages[2]!, messages[0]!, messages[1]!])
      expect(await store(directory, peer, one)).toBe('stored')
    const { messages: read, more } = await readMail(directory, peer, { limit: 10 })
    expect(read.map(({ entry: _, ...rest }) => rest)).toEqual(messages)
    expect(more).toBe(false)
  })

  test('bodies come back byte for byte, empty ones too', async () => {
    const { directory } = await make()
    const peer = newPeer()
    const bodies = [new Uint8Array(), Uint8Array.from({ length: LIMITS.messageBytes }, (_, i) => i & 255)]
    for (const [i, body] of bodies.entries()) await store(directory, peer, message({ sequence: i + 1, body }))
    const { messages } = await readMail(directory, peer, { limit: 10 })
    expect(messages.map(({ body }) => body)).toEqual(bodies)
  })

  test('a message that is stored again, later, is there once', async () => {
    const { directory } = await make()
    const peer = newPeer()
    const one = message({ sequence: 1 })
    expect(await store(directory, peer, one, NOW)).toBe('stored')
    expect(await store(directory, peer, one, NOW + 60_000)).toBe('stored')
    expect((await readMail(directory, peer, { limit: 10 })).messages).toHaveLength(1)
  })

  test('equal numbers of two senders, and of two epochs, are different messages', async () => {
    const { directory } = await make()
    const peer = newPeer()
    const one = message({ sequence: 1 })
    for (const other of [one, { ...one, from: newPeer() }, { ...one, epoch: one.epoch + 1 }])
      await store(directory, peer, other)
    expect((await readMail(directory, peer, { limit: 10 })).messages).toHaveLength(3)
  })

  test('a mailbox is read page by page', async () => {
    const { directory } = await make()
    const peer = newPeer()
    for (let sequence = 1; sequence <= 5; sequence++) await store(directory, peer, message({ sequence }))
    const first = await readMail(directory, peer, { limit: 3 })
    const second = await readMail(directory, peer, { limit: 2, after: first.messages[2]!.entry })
    expect(first.messages.map(({ sequence }) => sequence)).toEqual([1, 2, 3])
    expect(second.messages.map(({ sequence }) => sequence)).toEqual([4, 5])
    expect([first.more, second.more]).toEqual([true, false])
  })

  test('what is discarded is gone, and only that', async () => {
    const { directory } = await make()
    const [peer, other] = [newPeer(), newPeer()]
    for (let sequence = 1; sequence <= 30; sequence++) await store(directory, peer, message({ sequence }))
    await store(directory, other, message({ sequence: 1 }))
    const { messages } = await readMail(directory, peer, { limit: 29 })
    const entries = messages.map(({ entry }) => entry)
    expect(await directory.ask({ kind: 'discardMail', peer, entries })).toEqual({ kind: 'discardMail' })
    expect(await directory.ask({ kind: 'discardMail', peer, entries })).toEqual({ kind: 'discardMail' })
    expect((await readMail(directory, peer, { limit: 99 })).messages.map(({ sequence }) => sequence)).toEqual(
      [30],
    )
    expect((await readMail(directory, other, { limit: 99 })).messages).toHaveLength(1)
  })

  test('a full mailbox refuses new messages, acknowledges old ones, and takes new ones when there is room', async () => {
    const { directory } = await make()
    const peer = newPeer()
    const fill = Array.from({ length: LIMITS.mailboxMessages }, (_, i) => message({ sequence: i + 1 }))
    for (let at = 0; at < fill.length; at += 50) {
      await Promise.all(fill.slice(at, at + 50).map((one) => store(directory, peer, one)))
    }
    const next = message({ sequence: LIMITS.mailboxMessages + 1 })
    expect(await store(directory, peer, next)).toBe('full')
    expect(await store(directory, peer, fill[7]!)).toBe('stored')
    const { messages } = await readMail(directory, peer, { limit: 1 })
    await directory.ask({ kind: 'discardMail', peer, entries: [messages[0]!.entry] })
    expect(await store(directory, peer, next)).toBe('stored')
    expect(await store(directory, peer, message({ sequence: LIMITS.mailboxMessages + 2 }))).toBe('full')
  })
}

function networks(make: Make): void {
  test('a network knows the nodes that joined it and have not left', async () => {
    const { directory, nodesOf } = await make()
    const [network] = presence({ node: A, since: NOW }).networks as [NetworkId]
    for (const node of [A, B, A]) {
      expect(await directory.ask({ kind: 'joinNetwork', network, node })).toEqual({
        kind: 'joinNetwork',
        paths: 'auto',
      })
    }
    expect((await nodesOf(network)).sort()).toEqual([A, B])
    for (const node of [A, A]) {
      expect(await directory.ask({ kind: 'leaveNetwork', network, node })).toEqual({ kind: 'leaveNetwork' })
    }
    expect(await nodesOf(network)).toEqual([B])
  })
}

let made = 0

/** Ids that no other test of this run has. */
function newPeer(): PeerId {
  const key = new Uint8Array(32)
  new DataView(key.buffer).setUint32(0, ++made)
  return peerIdOf(key)
}

function presence(
  given: Partial<PresenceItem> & { node: NodeId; since: number },
): PresenceItem & { node: NodeId } {
  const peer = newPeer()
  const tag = toBase32(new TextEncoder().encode(`${made}`.padStart(10, '0')))
  return {
    peer,
    user: `u_${tag}` as UserId,
    networks: [`n_${tag}` as NetworkId],
    status: 'online',
    custom: 'here',
    metadata: { map: 'dust', skills: ['a', 'b'] },
    version: 1,
    lastSeenAt: given.since,
    ...given,
  }
}

const SENDER = newPeer()

function message(given: Partial<StoredMessage> & { sequence: number }): Omit<StoredMessage, 'entry'> {
  return {
    from: SENDER,
    epoch: NOW,
    previous: 0,
    sentAt: NOW + given.sequence * 10,
    body: Uint8Array.of(1, 2, 3),
    ...given,
  }
}

async function ask<K extends DirectoryReply['kind']>(
  directory: Directory,
  request: DirectoryRequest & { kind: K },
) {
  const reply = await directory.ask(request)
  expect(reply).toHaveProperty('kind', request.kind)
  return reply as Extract<DirectoryReply, { kind: K }>
}

const located = async (directory: Directory, peer: PeerId) =>
  (await ask(directory, { kind: 'locate', peer })).located

const store = async (directory: Directory, peer: PeerId, one: Omit<StoredMessage, 'entry'>, now = NOW) =>
  (await ask(directory, { kind: 'storeMail', peer, message: one, now })).outcome

const readMail = (directory: Directory, peer: PeerId, page: { limit: number; after?: string }) =>
  ask(directory, { kind: 'readMail', peer, ...page })
