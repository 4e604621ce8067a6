/** The SDK as an application uses it, with the whole system on this machine. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type System, startSystem } from '../../local/system.ts'
import { type JoinOptions, join, type Offer, type Peer, type StraightwayError } from '../../peer/index.ts'

let system: System
const joined: Peer[] = []

beforeAll(async () => {
  system = await startSystem({ freePorts: true })
})
afterAll(() => system.close())
afterEach(async () => {
  await Promise.all(joined.splice(0).map((peer) => peer.close()))
})

async function joining(options: Partial<JoinOptions> = {}): Promise<Peer> {
  const peer = await join({ index: system.index, invite: system.invite, ...options })
  joined.push(peer)
  return peer
}

/** Returns two peers that already find each other by search. */
async function two(): Promise<[Peer, Peer]> {
  const game = randomBytes(4).toString('hex')
  const pair = await Promise.all([joining({ metadata: { game } }), joining({ metadata: { game } })])
  const found = () => pair[0].find(`metadata.game eq "${game}"`)
  await expect.poll(async () => (await found()).length, { timeout: 10_000 }).toBe(1)
  return pair
}

describe('the README', () => {
  test('does in six lines what it says', async () => {
    const other = await joining({ metadata: { game: 'chess' } })
    const heard = new Promise<string>((resolve) =>
      other.on('offer', async (offer) => {
        const socket = await offer.accept()
        socket.on('message', (message) => resolve(message.toString()))
      }),
    )
    const peer = await joining({ metadata: { game: 'chess' } })
    await expect.poll(() => peer.find('metadata.game eq "chess"'), { timeout: 10_000 }).toHaveLength(1)

    const [friend] = await peer.find('metadata.game eq "chess"')
    const socket = await peer.connect(friend!.peer, { intent: 'play' })
    socket.send('hello')

    expect(await heard).toBe('hello')
    expect(socket.path).toMatch(/direct|relayed/)
  })
})

describe('joining', () => {
  test('makes the same peer of the same identity, with no invite the second time', async () => {
    const identity = randomBytes(32)
    const first = await joining({ identity })
    await first.close()
    const again = await join({ index: system.index, identity })
    joined.push(again)
    expect([again.peer, again.user]).toEqual([first.peer, first.user])
    expect(again.networks).toEqual(first.networks)
  })

  test('needs a home, an index and an invite only once', async () => {
    const home = await mkdtemp(joinPath(tmpdir(), 'straightway-join-'))
    const first = await joining({ home })
    await expect(join({ home })).rejects.toMatchObject({ code: 'conflict' })
    await first.close()
    const again = await join({ home })
    joined.push(again)
    expect(again.peer).toBe(first.peer)
    await again.close()
    await rm(home, { recursive: true })
  })

  test('says what is missing or wrong', async () => {
    const { index, invite } = system
    const wrong: readonly [code: string, options: JoinOptions][] = [
      ['bad-request', { invite }],
      ['bad-request', { index, invite, identity: randomBytes(31) }],
      ['unknown-peer', { index }],
      ['not-found', { index, invite: 'aaaa-aaaa-aaaa-aaaa' }],
      ['unavailable', { index: 'http://127.0.0.1:9', invite }],
      ['too-large', { index, invite, metadata: { long: 'x'.repeat(600) } }],
      ['bad-request', { index, invite, metadata: { nested: { a: 1 } } as never }],
      ['bad-request', { index, invite, metadata: { endless: Number.POSITIVE_INFINITY } }],
      ['closed', { index, invite, signal: AbortSignal.abort() }],
    ]
    for (const [code, options] of wrong) await expect(join(options)).rejects.toMatchObject({ code })
  })
})

describe('presence', () => {
  test('of one peer is heard by the others: when it comes, changes and goes', async () => {
    const [watcher, other] = await two()
    const heard: string[] = []
    watcher.on('presence', ({ peer, status, custom }) => {
      if (peer === other.peer) heard.push(`${status} ${custom}`.trim())
    })
    other.status('busy', { custom: 'in a match' })
    await expect.poll(() => heard.at(-1), { timeout: 10_000 }).toBe('busy in a match')
    expect((await watcher.find({ peer: other.peer }))[0]).toMatchObject({
      status: 'busy',
      custom: 'in a match',
    })
    other.status('invisible')
    await expect.poll(() => heard.at(-1), { timeout: 10_000 }).toMatch(/^offline/)
    other.status('online', { custom: '' })
    await expect.poll(() => heard.at(-1), { timeout: 10_000 }).toBe('online')
    await other.close()
    await expect.poll(() => heard.at(-1), { timeout: 10_000 }).toBe('offline')
  })

  test('cannot say more than the limits allow', async () => {
    const peer = await joining()
    expect(() => peer.status('away', { custom: 'x'.repeat(129) })).toThrow(/128 bytes/)
  })

  test('is found by filter, by user and by peer, and a wrong filter is explained', async () => {
    const [peer, other] = await two()
    expect((await peer.find({ user: other.user })).map((each) => each.peer)).toEqual([other.peer])
    expect((await peer.find({ peer: other.peer })).map((each) => each.user)).toEqual([other.user])
    expect(await peer.find({ peer: 'a'.repeat(52) as never })).toEqual([])
    await expect(peer.find('metadata.game ==')).rejects.toMatchObject({ code: 'bad-request' })
    await expect(peer.find('x'.repeat(600))).rejects.toMatchObject({ code: 'too-large' })
  })
})

describe('messages', () => {
  test('arrive once and in order, and say so', async () => {
    const [peer, other] = await two()
    const texts: string[] = []
    other.on('message', ({ text }) => texts.push(text))
    const sent = Array.from({ length: 40 }, (_, i) => `message ${i}`)
    expect(new Set(await Promise.all(sent.map((each) => peer.send(other.peer, each))))).toEqual(
      new Set(['delivered']),
    )
    expect(texts).toEqual(sent)
  })

  test('wait in the mailbox of one who is away, and for somebody to listen', async () => {
    const identity = randomBytes(32)
    const away = await joining({ identity })
    await away.close()
    const peer = await joining()
    await expect.poll(() => peer.send(away.peer, 'waiting'), { timeout: 10_000 }).toBe('stored')
    const back = await joining({ identity })
    const [message] = await once(back, 'message')
    expect(message).toMatchObject({ from: peer.peer, text: 'waiting', sentAt: expect.any(Number) })
  })

  test('go to every peer of a user', async () => {
    const [peer, other] = await two()
    const { code } = await other.index.invites.create(other.networks[0]!, { user: other.user })
    const second = await joining({ invite: code })
    expect(second.user).toBe(other.user)
    const heard = Promise.all([once(other, 'message'), once(second, 'message')])
    await expect.poll(async () => (await peer.find({ user: other.user })).length, { timeout: 10_000 }).toBe(2)
    expect(await peer.send(other.user, 'to all of you')).toBe('delivered')
    expect((await heard).map(([{ text }]) => text)).toEqual(['to all of you', 'to all of you'])
  })

  test('are delivered once although the recipient was restarted', async () => {
    const home = await mkdtemp(joinPath(tmpdir(), 'straightway-once-'))
    const peer = await joining()
    const first = await joining({ home })
    const texts: string[] = []
    first.on('message', ({ text }) => texts.push(text))
    await peer.send(first.peer, 'before')
    await first.close()
    const again = await joining({ home })
    again.on('message', ({ text }) => texts.push(text))
    await peer.send(again.peer, 'after')
    await expect.poll(() => texts).toEqual(['before', 'after'])
    await again.close()
    await rm(home, { recursive: true })
  })

  test('that cannot be sent say why', async () => {
    const peer = await joining()
    await expect(peer.send('a'.repeat(52) as never, 'x')).rejects.toMatchObject({ code: 'unknown-peer' })
    await expect(peer.send('u_aaaaaaaaaaaaaaaa' as never, 'x')).rejects.toMatchObject({
      code: 'unknown-peer',
    })
    await expect(peer.send(peer.peer, 'x'.repeat(1025))).rejects.toMatchObject({ code: 'too-large' })
  })
})

describe('tunnels', () => {
  test('are offered with an intent, and become direct', async () => {
    const [peer, other] = await two()
    const offered = once(other, 'offer') as Promise<[Offer]>
    const connecting = peer.connect(other.peer, { intent: 'play chess' })
    const [offer] = await offered
    expect([offer.from, offer.user, offer.intent]).toEqual([peer.peer, peer.user, 'play chess'])
    const [a, b] = await Promise.all([connecting, offer.accept()])
    expect([a.remotePeer, b.remotePeer]).toEqual([other.peer, peer.peer])
    await expect.poll(() => [a.path, b.path], { timeout: 10_000 }).toEqual(['direct', 'direct'])
    b.on('stream', (stream, { name }) => stream.end(`hello on ${name}`))
    const stream = await a.createStream({ name: 'greetings' })
    stream.end()
    expect(await text(stream)).toBe('hello on greetings')
  })

  test('ring while the other side decides', async () => {
    const [peer, other] = await two()
    const rang = Promise.withResolvers<void>()
    const accepted = once(other, 'offer').then(async ([offer]) => {
      await rang.promise
      return (offer as Offer).accept()
    })
    const [a, b] = await Promise.all([peer.connect(other.peer, { ringing: rang.resolve }), accepted])
    expect([a.remotePeer, b.remotePeer]).toEqual([other.peer, peer.peer])
  })

  test('count their first byte from `connect`, however long the other side decides', async () => {
    const [peer, other] = await two()
    const rang = Promise.withResolvers<number>()
    const offered = once(other, 'offer') as Promise<[Offer]>
    const before = performance.now()
    const connecting = peer.connect(other.peer, { ringing: () => rang.resolve(performance.now()) })
    const from = performance.now()
    const [offer] = await offered
    const rangMs = (await rang.promise) - from
    const [a] = await Promise.all([connecting, offer.accept()])
    expect(a.times.firstByteMs).toBeGreaterThanOrEqual(Math.floor(rangMs))
    expect(a.times.firstByteMs).toBeLessThanOrEqual(Math.ceil(performance.now() - before) + 1)
  })

  test('are refused with a reason', async () => {
    const [peer, other] = await two()
    other.listen((offer) => offer.refuse('busy'))
    const refusal = await peer.connect(other.peer).catch((error: StraightwayError) => error)
    expect(refusal).toMatchObject({ code: 'refused', message: 'busy' })
  })

  test('are refused where nobody listens', async () => {
    const [peer, other] = await two()
    const refusal = await peer.connect(other.peer).catch((error: StraightwayError) => error)
    expect(refusal).toMatchObject({ code: 'refused', message: 'not-listening' })
  })

  test('are refused where the wishes for paths exclude each other', async () => {
    const [peer, other] = await two()
    const accepted = once(other, 'offer').then(([offer]) => offer.accept({ paths: 'relay-only' }))
    const asked = peer.connect(other.peer, { paths: 'direct-only' })
    await expect(accepted).rejects.toMatchObject({ code: 'refused' })
    await expect(asked).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('paths') })
  })

  test('are decided once', async () => {
    const [peer, other] = await two()
    const offered = once(other, 'offer') as Promise<[Offer]>
    const asked = peer.connect(other.peer)
    const [offer] = await offered
    offer.refuse()
    expect(() => offer.refuse()).toThrow(/decided already/)
    await expect(offer.accept()).rejects.toMatchObject({ code: 'conflict' })
    await expect(asked).rejects.toMatchObject({ code: 'refused' })
  })

  test('are not to be had of one who is away, unknown, or does not decide in time', async () => {
    const [peer, other] = await two()
    await expect(peer.connect('a'.repeat(52) as never)).rejects.toMatchObject({ code: 'unknown-peer' })
    other.on('offer', () => {})
    await expect(peer.connect(other.peer, { timeoutMs: 300 })).rejects.toMatchObject({ code: 'timeout' })
    const stop = new AbortController()
    const stopped = peer.connect(other.peer, { signal: stop.signal })
    stop.abort()
    await expect(stopped).rejects.toMatchObject({ code: 'closed' })
    await other.close()
    const afterwards = () => peer.connect(other.peer).catch(({ code }: StraightwayError) => code)
    await expect.poll(afterwards, { timeout: 10_000 }).toBe('peer-offline')
  })

  test('close with the peer', async () => {
    const [peer, other] = await two()
    const accepted = once(other, 'offer').then(([offer]) => (offer as Offer).accept())
    const [socket] = await Promise.all([peer.connect(other.peer), accepted])
    const ended = once(socket, 'close')
    await other.close()
    expect(await ended).toEqual(['closedByOther'])
  })

  test('that fail while an offer is being accepted are told as an error of the peer', async () => {
    const [peer, other] = await two()
    const failed = once(other, 'error')
    other.on('offer', (offer) => offer.accept({ paths: 'direct-only' }))
    await expect(peer.connect(other.peer, { paths: 'relay-only' })).rejects.toMatchObject({ code: 'refused' })
    expect((await failed)[0]).toMatchObject({ code: 'refused' })
  })
})

describe('a change of membership', () => {
  test('is heard, and changes whom one can reach', async () => {
    const [owner, guest] = await two()
    const { network } = await owner.index.networks.create({ name: 'a table for two' })
    const heard: unknown[] = []
    guest.on('change', (change) => heard.push(change))
    await owner.index.members.put(network, guest.user, 'member')
    // An owner invites, and the guest accepts.
    await guest.index.members.put(network, guest.user, 'member')
    await expect.poll(() => guest.networks, { timeout: 10_000 }).toContain(network)
    expect(heard).toContainEqual(expect.objectContaining({ kind: 'membership', network, role: 'member' }))
    await owner.index.members.delete(network, guest.user)
    await expect.poll(() => guest.networks, { timeout: 10_000 }).not.toContain(network)
  })
})
