/**
 * Every public function of the SDK: invalid arguments, and how each promise settles. The 30 s limits are tested in simulated
 * time (test/sim/messages.test.ts, test/core/peer/finds.test.ts).
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type System, startSystem } from '../../local/system.ts'
import { type JoinOptions, join, LIMITS, type Offer, type Peer, type PeerSocket } from '../../peer/index.ts'

let system: System
let ann: Peer
let bob: Peer
/** Ann's end of a tunnel between the two. */
let socket: PeerSocket
const HALF = '\ud800'
const NOBODY = 'a'.repeat(52)

beforeAll(async () => {
  system = await startSystem({ freePorts: true })
  ;[ann, bob] = await Promise.all([joining(), joining()])
  await known(bob)
  const accepted = once(bob, 'offer').then(([offer]) => (offer as Offer).accept())
  socket = await ann.connect(bob.peer)
  await accepted
})
afterAll(async () => {
  await Promise.all([ann.close(), bob.close()])
  await system.close()
})

const joining = (options: Partial<JoinOptions> = {}): Promise<Peer> =>
  join({ index: system.index, invite: system.invite, ...options })

/** Waits until the tables show that the peer is online, so that it can be reached. */
async function known(peer: Peer): Promise<void> {
  while ((await ann.find({ peer: peer.peer }))[0]?.status !== 'online');
}

async function another(): Promise<Peer> {
  const peer = await joining()
  onTestFinished(() => peer.close())
  await known(peer)
  return peer
}

/** Calls a method as JavaScript would, without type checks. */
// biome-ignore lint/complexity/noBannedTypes: any method of the SDK
const wrongly = async (self: object | undefined, method: Function, ...given: unknown[]) =>
  Reflect.apply(method, self, given)

describe('an argument that is wrong is named, whichever door it comes through:', () => {
  const LONG = 'x'.repeat(2000)
  const cases: readonly [name: string, call: () => Promise<unknown>][] = [
    ['options', () => wrongly(undefined, join)],
    ['options', () => wrongly(undefined, join, 'http://127.0.0.1')],
    ...Object.entries({
      index: [5, ''],
      invite: [{}, HALF],
      idToken: [1],
      home: [7],
      identity: ['secret', new Uint8Array(31)],
      name: [{}, HALF],
      status: ['sleepy', 5, null],
      custom: [5, HALF, LONG],
      metadata: [null, 5, 'x', [], { a: { b: 1 } }, { a: 1n }, { a: HALF }, { [HALF]: 1 }],
      scatter: ['no'],
      udp: [0],
      signal: [{}],
    }).flatMap(([name, values]) =>
      values.map((value): [string, () => Promise<unknown>] => [
        name,
        () => wrongly(undefined, join, { index: 'http://127.0.0.1:9', [name]: value }),
      ]),
    ),
    ['metadata', () => joining({ metadata: { constructor: 1 } as never })],
    ['metadata', () => joining({ metadata: { long: LONG } })],
    ['status', () => wrongly(ann, ann.status, 'sleepy')],
    ['status', () => wrongly(ann, ann.status)],
    ['options', () => wrongly(ann, ann.status, 'away', 'lunch')],
    ['custom', () => wrongly(ann, ann.status, 'away', { custom: 5 })],
    ['metadata', () => wrongly(ann, ann.status, 'away', { metadata: 5 })],
    ['which', () => wrongly(ann, ann.find)],
    ['which', () => wrongly(ann, ann.find, 5)],
    ['which', () => wrongly(ann, ann.find, {})],
    ['which', () => ann.find(LONG)],
    ['peer', () => wrongly(ann, ann.find, { peer: 'bob' })],
    ['user', () => wrongly(ann, ann.find, { user: 5 })],
    ...['x', 0, -1, 1.5, 101, Number.NaN].map((limit): [string, () => Promise<unknown>] => [
      'limit',
      () => wrongly(ann, ann.find, 'status eq "online"', { limit }),
    ]),
    ['signal', () => wrongly(ann, ann.find, 'status eq "online"', { signal: 5 })],
    ['to', () => wrongly(ann, ann.send)],
    ['to', () => wrongly(ann, ann.send, { peer: NOBODY }, 'hello')],
    ...[{ a: 1 }, 5, null, undefined, new ArrayBuffer(3), ['a'], HALF, LONG].map(
      (body): [string, () => Promise<unknown>] => ['body', () => wrongly(ann, ann.send, bob.peer, body)],
    ),
    ['options', () => wrongly(ann, ann.send, bob.peer, 'hello', 5)],
    ['signal', () => wrongly(ann, ann.send, bob.peer, 'hello', { signal: 'now' })],
    ['peer', () => wrongly(ann, ann.connect)],
    ['peer', () => wrongly(ann, ann.connect, { peer: NOBODY, user: 'u_a' })],
    ['peer', () => wrongly(ann, ann.connect, 'bob')],
    ...Object.entries({
      intent: [5, HALF, LONG],
      clear: ['yes'],
      paths: ['fast', 5],
      timeoutMs: ['1', 0, -1, 1.5, Number.POSITIVE_INFINITY],
      signal: [true],
      ringing: ['ring'],
    }).flatMap(([name, values]) =>
      values.map((value): [string, () => Promise<unknown>] => [
        name,
        () => wrongly(ann, ann.connect, bob.peer, { [name]: value }),
      ]),
    ),
    ['options', () => wrongly(ann, ann.connect, bob.peer, 'play')],
    ['decide', () => wrongly(ann, ann.listen, 'yes')],
    ['datagram', () => wrongly(socket, socket.send, 5)],
    ['datagram', () => wrongly(socket, socket.send, { a: 1 })],
    ['datagram', () => wrongly(socket, socket.send, [5])],
    ['datagram', () => wrongly(socket, socket.send)],
    ['options', () => wrongly(socket, socket.createStream, 'name')],
    ['name', () => wrongly(socket, socket.createStream, { name: 5 })],
    ['allowHalfOpen', () => wrongly(socket, socket.createStream, { allowHalfOpen: 1 })],
    ['signal', () => wrongly(socket, socket.createStream, { signal: 1 })],
    ['callback', () => wrongly(socket, socket.close, 5)],
  ]

  test.each(cases)('`%s` (%#)', async (name, call) => {
    const error = await call().then(
      () => undefined,
      (reason) => reason,
    )
    expect(error).toMatchObject({ name: 'StraightwayError' })
    expect(['bad-request', 'too-large']).toContain(error.code)
    expect(error.message).toContain(`\`${name}\``)
  })

  test('those of an offer leave it undecided', async () => {
    const peer = await another()
    const offered = once(peer, 'offer')
    const asked = ann.connect(peer.peer)
    const [offer] = (await offered) as [Offer]
    const wrong: [string, () => Promise<unknown>][] = [
      ['clear', () => wrongly(offer, offer.accept, { clear: 1 })],
      ['paths', () => wrongly(offer, offer.accept, { paths: 'fast' })],
      ['options', () => wrongly(offer, offer.accept, 'yes')],
      ['reason', () => wrongly(offer, offer.refuse, 5)],
      ['reason', () => wrongly(offer, offer.refuse, 'x'.repeat(LIMITS.reasonBytes + 1))],
    ]
    for (const [name, call] of wrong) await expect(call()).rejects.toThrow(`\`${name}\``)
    expect(offer.decided).toBe(false)
    offer.refuse('enough')
    await expect(asked).rejects.toMatchObject({ code: 'refused', message: 'enough' })
  })

  test('and everything goes on as if it had not been asked', async () => {
    const heard = once(bob, 'message')
    await expect(ann.send(bob.peer, 'still there?')).resolves.toBe('delivered')
    expect((await heard)[0].text).toBe('still there?')
    await expect(ann.find({ peer: bob.peer })).resolves.toHaveLength(1)
    ann.status('online', { metadata: {} })
  })
})

describe('a promise ends', () => {
  /** Promises that wait for other peers, none of which answers. */
  const waiting = (peer: Peer, deaf: Peer, signal?: AbortSignal): readonly Promise<unknown>[] => [
    peer.send(deaf.peer, 'anybody?', { ...(signal && { signal }) }),
    peer.connect(deaf.peer, { ...(signal && { signal }) }),
  ]

  test('with its signal', async () => {
    const [peer, deaf] = await Promise.all([another(), another()])
    deaf.on('offer', () => {})
    const stop = new AbortController()
    const promises = waiting(peer, deaf, stop.signal)
    setImmediate(() => stop.abort(new Error('enough')))
    for (const promise of promises)
      await expect(promise).rejects.toMatchObject({ code: 'closed', cause: new Error('enough') })
    const late = [
      ...waiting(peer, deaf, stop.signal),
      peer.find('status eq "online"', { signal: stop.signal }),
      peer.find({ peer: deaf.peer }, { signal: stop.signal }),
      joining({ signal: stop.signal }),
    ]
    for (const outcome of await Promise.allSettled(late))
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'closed' } })
  })

  test('with the peer, and afterwards nothing begins', async () => {
    const [peer, deaf] = await Promise.all([another(), another()])
    deaf.on('offer', () => {})
    const promises = Promise.allSettled(waiting(peer, deaf))
    await peer.close()
    const after = [
      ...waiting(peer, deaf),
      peer.find('status eq "online"'),
      peer.find({ peer: deaf.peer }),
      wrongly(peer, peer.status, 'away'),
    ]
    for (const outcome of [...(await promises), ...(await Promise.allSettled(after))])
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'closed' } })
    await expect(peer.close()).resolves.toBeUndefined()
  })

  test('of an acceptance with the peer that accepts', async () => {
    const [peer, other] = await Promise.all([another(), another()])
    const offered = once(other, 'offer')
    const asked = peer.connect(other.peer, { paths: 'direct-only' }).catch((error) => error)
    const [offer] = (await offered) as [Offer]
    const accepted = offer.accept().then(
      () => 'opened',
      ({ code }) => code,
    )
    await other.close()
    expect(['closed', 'opened']).toContain(await accepted)
    await asked
  })

  test('of `join` at once with its signal, where INDEX is silent', async () => {
    const silent = createServer()
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void silent.close())
    const address = silent.address()
    const port = typeof address === 'object' ? address?.port : 0
    const from = performance.now()
    const signal = AbortSignal.timeout(200)
    const joined = join({ index: `http://127.0.0.1:${port}`, identity: randomBytes(32), signal })
    await expect(joined).rejects.toMatchObject({ code: 'closed' })
    expect(performance.now() - from).toBeLessThan(3000)
  })

  test('where the listener of an offer throws: the other side is refused, and the error is not lost', async () => {
    const peer = await another()
    const uncaught = new Promise((resolve) => process.prependOnceListener('uncaughtException', resolve))
    const listeners = process.listeners('uncaughtException').slice(1)
    for (const listener of listeners) process.removeListener('uncaughtException', listener)
    peer.on('offer', () => {
      throw new Error('a bug of the application')
    })
    await expect(ann.connect(peer.peer)).rejects.toMatchObject({
      code: 'refused',
      message: 'listener-failed',
    })
    expect(await uncaught).toMatchObject({ message: 'a bug of the application' })
    for (const listener of listeners) process.on('uncaughtException', listener)
    peer.removeAllListeners('offer')
    peer.on('offer', async () => {
      throw new Error('another')
    })
    peer.on('error', () => {})
    await expect(ann.connect(peer.peer)).rejects.toMatchObject({
      code: 'refused',
      message: 'listener-failed',
    })
  })
})
