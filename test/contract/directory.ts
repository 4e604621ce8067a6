/**
 * The contract of `Directory` as tests for every implementation. `makeDirectory` is called once for each test. Ids differ
 * from test to test, so that implementations may share their tables.
 */
import { describe, expect, test } from 'vitest'
import {
  type Asker,
  type Directory,
  type DirectoryReply,
  type DirectoryRequest,
  MANY,
  type StoredMessage,
} from '../../shared/directory.ts'
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
import { MAX_SEALED_BODY_BYTES } from '../../shared/wire/messages.ts'

export interface DirectoryUnderTest {
  readonly directory: Directory
  /** Enrols the peer as INDEX would: it belongs to the user, who is a member of the networks. */
  enrol(peer: PeerId, user: UserId, networks: readonly NetworkId[]): Promise<void>
  revoke(peer: PeerId): Promise<void>
  block(user: UserId, blocked: PeerId | UserId): Promise<void>
  unblock(user: UserId, blocked: PeerId | UserId): Promise<void>
  /** Returns the nodes that have members of the network online. */
  nodesOf(network: NetworkId): Promise<NodeId[]>
  /** Resolves when `find` sees what was written. Absent if it always does immediately. */
  settled?(): Promise<void>
}

export function directoryContract(name: string, makeDirectory: () => Promise<DirectoryUnderTest>): void {
  describe(`directory: ${name}`, () => {
    sessions(makeDirectory)
    locating(makeDirectory)
    blocking(makeDirectory)
    finding(makeDirectory)
    mail(makeDirectory)
    networks(makeDirectory)
  })
}

type Make = () => Promise<DirectoryUnderTest>

const A = 'node_aaaaaaaa' as NodeId
const B = 'node_bbbbbbbb' as NodeId
const NOW = 1_800_000_000_000
const HALF = LIMITS.mailboxMessages / 2

function sessions(make: Make): void {
  test('a peer is where it signed in', async () => {
    const { directory, enrol } = await make()
    const item = presence({ node: A, since: NOW, status: 'away' })
    await enrol(item.peer, item.user, item.networks)
    expect(await directory.ask({ kind: 'signIn', item })).toEqual(taken(item))
    expect(await located(directory, item.peer)).toEqual({
      peer: item.peer,
      user: item.user,
      node: A,
      since: NOW,
      status: 'away',
      networks: item.networks,
      ...OPEN,
    })
  })

  test('metadata of any number that a peer may give is taken', async () => {
    const { directory, enrol } = await make()
    const item = presence({ node: A, since: NOW, metadata: { big: 2 ** 60, great: 1e125, small: -1.5e-130 } })
    await enrol(item.peer, item.user, item.networks)
    expect(await directory.ask({ kind: 'signIn', item })).toEqual(taken(item))
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
      standing: { networks: [present], blocks: 0 },
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

  test("a peer that nobody enrolled, or that is another user's, does not sign in", async () => {
    const { directory, enrol } = await make()
    const [item, other] = [presence({ node: A, since: NOW }), presence({ node: A, since: NOW })]
    expect(await directory.ask({ kind: 'signIn', item })).toEqual({ kind: 'signIn', outcome: 'revoked' })
    await enrol(item.peer, item.user, item.networks)
    await enrol(other.peer, other.user, other.networks)
    const stolen = { ...item, user: other.user }
    expect(await directory.ask({ kind: 'signIn', item: stolen })).toEqual({
      kind: 'signIn',
      outcome: 'revoked',
    })
    expect(await located(directory, item.peer)).not.toHaveProperty('node')
  })

  test('what many peers may do is read at once, in order, and of a revoked one nothing', async () => {
    const { directory, enrol, revoke, block } = await make()
    const items = Array.from({ length: MANY }, () => presence({ node: A, since: NOW }))
    for (const item of items) await enrol(item.peer, item.user, item.networks)
    const [first, second, third] = items as [PresenceItem, PresenceItem, PresenceItem]
    await revoke(second.peer)
    await block(third.user, first.peer)
    const peers = items.map(({ peer, user }) => ({ peer, user }))
    const { standings } = await ask(directory, { kind: 'standings', peers })
    expect(standings).toEqual(
      items.map(({ networks }, i) => (i === 1 ? undefined : { networks, blocks: i === 2 ? 1 : 0 })),
    )
  })

  test('a newer session takes the peer over and learns where it was', async () => {
    const { directory, enrol } = await make()
    const item = presence({ node: A, since: NOW })
    await enrol(item.peer, item.user, item.networks)
    await directory.ask({ kind: 'signIn', item })
    const reply = await directory.ask({ kind: 'signIn', item: { ...item, node: B, since: NOW + 1 } })
    expect(reply).toEqual({ ...taken(item), previousNode: A })
    expect((await located(directory, item.peer))?.node).toBe(B)
  })

  test('a newer session at the same node has no other node to tell', async () => {
    const { directory, enrol } = await make()
    const item = presence({ node: A, since: NOW })
    await enrol(item.peer, item.user, item.networks)
    await directory.ask({ kind: 'signIn', item })
    const reply = await directory.ask({ kind: 'signIn', item: { ...item, since: NOW + 1 } })
    expect(reply).toEqual(taken(item))
  })

  test('an older session, and one of the same moment elsewhere, come too late', async () => {
    const { directory, enrol } = await make()
    const item = presence({ node: A, since: NOW })
    await enrol(item.peer, item.user, item.networks)
    await directory.ask({ kind: 'signIn', item })
    for (const since of [NOW - 1, NOW]) {
      const reply = await directory.ask({ kind: 'signIn', item: { ...item, node: B, since } })
      expect(reply).toEqual({ kind: 'signIn', outcome: 'stale', since: NOW })
    }
    expect((await located(directory, item.peer))?.node).toBe(A)
  })

  test('a sign-in that is repeated is taken again', async () => {
    const { directory, enrol } = await make()
    const item = presence({ node: A, since: NOW })
    await enrol(item.peer, item.user, item.networks)
    await directory.ask({ kind: 'signIn', item })
    expect(await directory.ask({ kind: 'signIn', item })).toEqual(taken(item))
  })

  test('of many sign-ins at once the newest remains', async () => {
    const { directory, enrol } = await make()
    const item = presence({ node: A, since: NOW })
    await enrol(item.peer, item.user, item.networks)
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
    const { directory, enrol } = await make()
    const item = presence({ node: A, since: NOW })
    await enrol(item.peer, item.user, item.networks)
    await directory.ask({ kind: 'signIn', item })
    const changed = { ...item, status: 'busy', version: 2 } as const
    expect(await directory.ask({ kind: 'update', item: changed })).toEqual({ kind: 'update' })
    expect((await located(directory, item.peer))?.status).toBe('busy')
  })

  test('an update of another session, of an earlier version, or of nobody changes nothing', async () => {
    const { directory, enrol } = await make()
    const item = presence({ node: A, since: NOW, version: 5, status: 'online' })
    await enrol(item.peer, item.user, item.networks)
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
    expect(await located(directory, peer)).toEqual({
      peer,
      user,
      since: NOW,
      status: 'offline',
      networks,
      ...OPEN,
    })
  })

  test('the sign-out of a session that was replaced changes nothing', async () => {
    const { directory, enrol } = await make()
    const item = presence({ node: A, since: NOW })
    await enrol(item.peer, item.user, item.networks)
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
    expect(await directory.ask({ kind: 'locate', peer: newPeer(), asker: STRANGER })).toEqual({
      kind: 'locate',
    })
  })

  test('a peer that never signed in is found with its user and networks', async () => {
    const { directory, enrol } = await make()
    const { peer, user, networks } = presence({ node: A, since: 0 })
    await enrol(peer, user, networks)
    expect(await located(directory, peer)).toEqual({
      peer,
      user,
      since: 0,
      status: 'offline',
      networks,
      ...OPEN,
    })
  })

  test('a network that was joined while the peer was away counts', async () => {
    const { directory, enrol } = await make()
    const item = presence({ node: A, since: NOW })
    await directory.ask({ kind: 'signIn', item })
    await directory.ask({ kind: 'signOut', peer: item.peer, node: A, since: NOW, lastSeenAt: NOW })
    await enrol(item.peer, item.user, item.networks)
    expect((await located(directory, item.peer))?.networks).toEqual(item.networks)
  })
}

function blocking(make: Make): void {
  test('blocks are told with a version that grows with each change', async () => {
    const { directory, enrol, block, unblock } = await make()
    const item = presence({ node: A, since: NOW })
    await enrol(item.peer, item.user, item.networks)
    const read = () => ask(directory, { kind: 'blocks', user: item.user })
    expect(await read()).toEqual({ kind: 'blocks', version: 0, blocks: [] })
    await block(item.user, SENDER)
    expect(await read()).toEqual({ kind: 'blocks', version: 1, blocks: [SENDER] })
    await block(item.user, OWNER)
    expect((await read()).blocks.toSorted()).toEqual([SENDER, OWNER].toSorted())
    await unblock(item.user, SENDER)
    expect(await read()).toEqual({ kind: 'blocks', version: 3, blocks: [OWNER] })
  })

  test.each([
    'peer',
    'user',
  ] as const)('a peer is hidden from one that its user blocks as a %s', async (by) => {
    const { directory, enrol, block } = await make()
    const [item, foe, friend] = [1, 2, 3].map(() => presence({ node: A, since: NOW })) as [Item, Item, Item]
    for (const one of [item, foe, friend]) await enrol(one.peer, one.user, one.networks)
    await directory.ask({ kind: 'signIn', item })
    await block(item.user, foe[by])
    const seenBy = async (asker: Asker) =>
      (await ask(directory, { kind: 'locate', peer: item.peer, asker })).located
    for (const asker of [{ peer: foe.peer }, { peer: foe.peer, user: foe.user }])
      expect(await seenBy(asker)).toMatchObject({ node: A, blocks: 1, hidden: true })
    expect(await seenBy(friend)).toMatchObject({ node: A, blocks: 1, hidden: false })
  })
}

type Item = ReturnType<typeof presence>

function finding(make: Make): void {
  /** Returns three peers of one network, each with its own status, and one of another network. */
  async function company() {
    const { directory, enrol, block, settled } = await make()
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
    const find = (filter: string, limit = 10, by: Item = asker) =>
      ask(directory, { kind: 'find', asker: by, networks, filter, limit })
    return { find, others, asker, block, directory }
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
    const neverSeen = { since: 0, version: 0, lastSeenAt: 0 }
    expect((await find('status eq "offline"')).found).toEqual([
      { ...asSeenByOthers(others[2]!), ...neverSeen },
    ])
    expect((await find('metadata.map eq "dust"')).found).toHaveLength(2)
  })

  test('whatever an invisible peer does, it is found as it was seen last', async () => {
    const { find, others, directory } = await company()
    const [item] = others as [Item]
    const { peer, node } = item
    const seen = async () => (await find(`user eq "${item.user}"`)).found
    const change = (to: Partial<Item>) => directory.ask({ kind: 'update', item: { ...item, ...to } })
    await change({ status: 'invisible', version: 5, lastSeenAt: NOW + 5 })
    const left = { ...asSeenByOthers({ ...item, status: 'offline' }), version: 5, lastSeenAt: NOW + 5 }
    expect(await seen()).toEqual([left])
    await change({ status: 'invisible', custom: 'new', version: 6, lastSeenAt: NOW + 6 })
    expect(await seen()).toEqual([left])
    await directory.ask({ kind: 'signOut', peer, node, since: NOW, lastSeenAt: NOW + 7 })
    expect(await seen()).toEqual([left])
    const again = { ...item, status: 'invisible', version: 1, lastSeenAt: NOW + 8 } as const
    await directory.ask({ kind: 'signIn', item: { ...again, since: NOW + 8 } })
    expect(await seen()).toEqual([left])
    await directory.ask({ kind: 'signIn', item: { ...again, since: NOW + 9, node: B } })
    expect(await seen()).toEqual([left])
    await directory.ask({ kind: 'signOut', peer, node: B, since: NOW + 9, lastSeenAt: NOW + 10 })
    expect(await seen()).toEqual([left])
    await directory.ask({ kind: 'signIn', item: { ...item, since: NOW + 11, lastSeenAt: NOW + 11 } })
    await directory.ask({ kind: 'signOut', peer, node, since: NOW + 11, lastSeenAt: NOW + 12 })
    expect(await seen()).toMatchObject([{ since: NOW + 11, lastSeenAt: NOW + 12 }])
  })

  test('who blocks the asker is found offline, without what is live', async () => {
    const { find, others, asker, block } = await company()
    const [away] = others as [Item]
    await block(away.user, asker.user)
    expect((await find('status eq "away" or metadata.map eq "dust"')).found).not.toContainEqual(
      expect.objectContaining({ peer: away.peer }),
    )
    expect((await find('status eq "away"', 10, others[1]!)).found).toHaveLength(1)
  })

  test('who blocks the asker is found as the same, whatever it does', async () => {
    const { find, others, asker, block, directory } = await company()
    const [item] = others as [Item]
    const seen = async () => {
      const filters = ['status eq "offline"', 'not (status eq "online")', 'lastSeenAt gt 0', 'custom pr']
      const byPresence = await Promise.all(
        filters.map((filter) => find(`user eq "${item.user}" and ${filter}`)),
      )
      return [await find(`user eq "${item.user}"`), byPresence.flatMap(({ found }) => found)]
    }
    await block(item.user, asker.user)
    const present = await seen()
    const { peer, user } = item
    const hidden = { peer, user, status: 'offline', custom: '', metadata: {}, since: 0, version: 0 }
    expect(present).toEqual([
      { kind: 'find', found: [{ ...hidden, lastSeenAt: expect.any(Number) }], more: false },
      [],
    ])
    const changed = { ...item, status: 'online', custom: 'new', version: 7, lastSeenAt: NOW + 9 } as const
    await directory.ask({ kind: 'update', item: changed })
    expect(await seen()).toEqual(present)
    await directory.ask({ kind: 'signOut', peer, node: A, since: NOW, lastSeenAt: NOW + 99 })
    expect(await seen()).toEqual(present)
    await directory.ask({ kind: 'signIn', item: { ...item, since: NOW + 1000 } })
    expect(await seen()).toEqual(present)
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
    const bodies = [new Uint8Array(), Uint8Array.from({ length: MAX_SEALED_BODY_BYTES }, (_, i) => i & 255)]
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

  test('a full share refuses new messages, acknowledges old ones, and takes new ones when there is room', async () => {
    const { directory } = await make()
    const peer = newPeer()
    const fill = Array.from({ length: HALF }, (_, i) => message({ sequence: i + 1 }))
    expect(new Set(await storeAll(directory, peer, fill))).toEqual(new Set(['stored']))
    const next = message({ sequence: HALF + 1 })
    expect(await store(directory, peer, next)).toBe('full')
    expect(await store(directory, peer, fill[7]!)).toBe('stored')
    const { messages } = await readMail(directory, peer, { limit: 1 })
    await directory.ask({ kind: 'discardMail', peer, entries: [messages[0]!.entry] })
    expect(await store(directory, peer, next)).toBe('stored')
    expect(await store(directory, peer, message({ sequence: HALF + 2 }))).toBe('full')
  })

  test('many peers of one user do not fill the mailbox of an absent peer: a friend finds a place', async () => {
    const { directory, enrol } = await make()
    const [peer, foe, friend] = [
      newPeer(),
      presence({ node: A, since: NOW }),
      presence({ node: A, since: NOW }),
    ]
    const foes = Array.from({ length: 8 }, newPeer)
    for (const one of foes) await enrol(one, foe.user, foe.networks)
    await enrol(friend.peer, friend.user, friend.networks)
    const flood = Array.from({ length: HALF + 50 }, (_, i) =>
      message({ from: foes[i % foes.length]!, sequence: i + 1 }),
    )
    const outcomes = await storeAll(directory, peer, flood)
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(HALF)
    const fromFriend = Array.from({ length: 50 }, (_, i) => message({ from: friend.peer, sequence: i + 1 }))
    expect(new Set(await storeAll(directory, peer, fromFriend))).toEqual(new Set(['stored']))
  })

  test.each([
    'peer',
    'user',
  ] as const)('a sender that is blocked as a %s takes no place, and is answered as any other', async (by) => {
    const { directory, enrol, block, unblock } = await make()
    const [victim, foe] = [1, 2].map(() => presence({ node: A, since: NOW })) as [Item, Item]
    for (const one of [victim, foe]) await enrol(one.peer, one.user, one.networks)
    await block(victim.user, foe[by])
    const flood = Array.from({ length: 60 }, (_, i) => message({ from: foe.peer, sequence: i + 1 }))
    expect(new Set(await storeAll(directory, victim.peer, flood, victim.user))).toEqual(new Set(['stored']))
    expect((await readMail(directory, victim.peer, { limit: 99 })).messages).toEqual([])
    await unblock(victim.user, foe[by])
    const after = message({ from: foe.peer, sequence: 61 })
    expect(await storeAll(directory, victim.peer, [after], victim.user)).toEqual(['stored'])
    expect((await readMail(directory, victim.peer, { limit: 99 })).messages).toHaveLength(1)
  })
}

function networks(make: Make): void {
  test('what networks let tunnels use is read for many at once, and is everything where nobody said otherwise', async () => {
    const { directory } = await make()
    const networks = Array.from({ length: MANY }, () => presence({ node: A, since: NOW }).networks[0]!)
    const { paths } = await ask(directory, { kind: 'paths', networks })
    expect(paths).toEqual(Array(MANY).fill('auto'))
  })

  test('a network knows the nodes that joined it and have not left', async () => {
    const { directory, nodesOf } = await make()
    const [network] = presence({ node: A, since: NOW }).networks as [NetworkId]
    for (const node of [A, B, A]) {
      expect(await directory.ask({ kind: 'joinNetworks', networks: [network], node })).toEqual({
        kind: 'joinNetworks',
        paths: ['auto'],
      })
    }
    expect((await nodesOf(network)).sort()).toEqual([A, B])
    for (const node of [A, A]) {
      expect(await directory.ask({ kind: 'leaveNetworks', networks: [network], node })).toEqual({
        kind: 'leaveNetworks',
      })
    }
    expect(await nodesOf(network)).toEqual([B])
  })
}

let made = 0

/** Returns a peer id that no other test of this run has. */
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
const STRANGER = { peer: newPeer() }
const OWNER = 'u_aaaaaaaaaaaaaaaa' as UserId
/** State of a user who blocks nobody. */
const OPEN = { blocks: 0, hidden: false }

const taken = ({ networks }: PresenceItem) => ({
  kind: 'signIn',
  outcome: 'taken',
  standing: { networks, blocks: 0 },
})

function message(given: Partial<StoredMessage> & { sequence: number }): Omit<StoredMessage, 'entry'> {
  return {
    from: SENDER,
    epoch: NOW,
    previous: 0,
    previousIsStored: false,
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
  (await ask(directory, { kind: 'locate', peer, asker: STRANGER })).located

const store = async (directory: Directory, peer: PeerId, one: Omit<StoredMessage, 'entry'>, now = NOW) =>
  (await ask(directory, { kind: 'storeMail', peer, user: OWNER, message: one, now })).outcome

async function storeAll(
  directory: Directory,
  peer: PeerId,
  messages: readonly Omit<StoredMessage, 'entry'>[],
  user = OWNER,
): Promise<string[]> {
  const outcomes: string[] = []
  for (let at = 0; at < messages.length; at += 50) {
    const some = messages.slice(at, at + 50)
    const replies = some.map((one) =>
      ask(directory, { kind: 'storeMail', peer, user, message: one, now: NOW }),
    )
    outcomes.push(...(await Promise.all(replies)).map(({ outcome }) => outcome))
  }
  return outcomes
}

const readMail = (directory: Directory, peer: PeerId, page: { limit: number; after?: string }) =>
  ask(directory, { kind: 'readMail', peer, ...page })
