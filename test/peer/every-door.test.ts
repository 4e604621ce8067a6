/**
 * Every public function and method, derived from the exports of the SDK. Each must reject invalid arguments, and its promises
 * must settle. A new export that is in neither list fails the first test.
 */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type System, startSystem } from '../../local/system.ts'
import type { Offer, Peer, PeerSocket, PeerStream } from '../../peer/index.ts'
import * as sdk from '../../peer/index.ts'

// biome-ignore lint/complexity/noBannedTypes: any function of the SDK
type Door = { readonly self: object | undefined; readonly call: Function }
type Wrong = readonly [argument: string, ...given: readonly unknown[]]

let system: System
let doors: ReadonlyMap<string, Door>
const peers: Peer[] = []

beforeAll(async () => {
  system = await startSystem({ freePorts: true })
  const options = { index: system.index, invite: system.invite }
  peers.push(...(await Promise.all([sdk.join(options), sdk.join(options)])))
  const [ann, bob] = peers as [Peer, Peer]
  while ((await ann.find({ peer: bob.peer }))[0]?.status !== 'online');
  const accepted = once(bob, 'offer').then(async ([offer]) => [offer, await (offer as Offer).accept()])
  const socket = await ann.connect(bob.peer)
  const [offer, other] = (await accepted) as [Offer, PeerSocket]
  other.on('stream', (stream) => stream.resume())
  const stream: PeerStream = await socket.createStream()
  doors = new Map<string, Door>([
    ...functionsOf(sdk),
    ...methodsOf('Peer', ann),
    ...methodsOf('Offer', offer),
    ...methodsOf('PeerSocket', socket),
    ...methodsOf('PeerStream', stream),
    ...methodsOf('Roster', ann.roster),
    ...Object.entries(ann.index).flatMap(([name, part]): [string, Door][] =>
      typeof part === 'function'
        ? [[`index.${name}`, { self: ann.index, call: part }]]
        : functionsOf(part, `index.${name}.`),
    ),
  ])
})
afterAll(async () => {
  await Promise.all(peers.map((peer) => peer.close()))
  await system.close()
})

function functionsOf(of: object, prefix = ''): [string, Door][] {
  return Object.entries(of)
    .filter(([, value]) => typeof value === 'function' && !isClass(value))
    .map(([name, call]) => [`${prefix}${name}`, { self: of, call }])
}

/** Returns the methods of the object's own class. Those of EventEmitter and Duplex belong to Node. */
function methodsOf(prefix: string, self: object): [string, Door][] {
  const described = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(self))
  return Object.entries(described)
    .filter(
      ([name, { value }]) => typeof value === 'function' && name !== 'constructor' && !name.startsWith('_'),
    )
    .map(([name, { value }]) => [`${prefix}.${name}`, { self, call: value }])
}

// biome-ignore lint/complexity/noBannedTypes: any function of the SDK
const isAsync = (value: Function): boolean => value.constructor.name === 'AsyncFunction'
// biome-ignore lint/complexity/noBannedTypes: any function of the SDK
const isClass = (value: Function): boolean => /^class\b/.test(`${value}`)

const TESTS = join(import.meta.dirname, '..')
const HALF = '\ud800'
const PEER = 'a'.repeat(52)
const CYCLE: Record<string, unknown> = {}
CYCLE.self = CYCLE
const texts = (argument: string, ...before: unknown[]): Wrong[] =>
  [undefined, null, 5, {}, [], HALF].map((given): Wrong => [argument, ...before, given])
const ids = (argument: string, ...before: unknown[]): Wrong[] => [
  ...texts(argument, ...before),
  ...['', '.', '..'].map((given): Wrong => [argument, ...before, given]),
]
const json = (argument: string, ...before: unknown[]): Wrong[] =>
  [undefined, null, 'x', 5, [], CYCLE, { big: 1n }].map((given): Wrong => [argument, ...before, given])
const options = (...before: unknown[]): Wrong[] =>
  ['x', 5, null, []].map((given): Wrong => ['options', ...before, given])
const queries = (...before: unknown[]): Wrong[] => [
  ...['x', 5, null].map((given): Wrong => ['query', ...before, given]),
  ...[0, -1, 101, Number.NaN, 1.5, '7', 2 ** 53].map((limit): Wrong => ['limit', ...before, { limit }]),
  ['filter', ...before, { filter: 5 }],
  ['cursor', ...before, { cursor: HALF }],
]
const versions = (...before: unknown[]): Wrong[] => [
  ...options(...before),
  ...[-1, 'x', Number.NaN].map((ifVersion): Wrong => ['ifVersion', ...before, { ifVersion }]),
]
const tunnel = { createStream: async () => new PassThrough() }
const pinging = { count: 1, size: 8, intervalMs: 10, timeoutMs: 10 }
const forwarding = { tunnel: async () => tunnel, remotePort: 80, localPort: 0 }
const numbers = (argument: string, given: object, ...before: unknown[]): Wrong[] =>
  [Number.NaN, -1, 1.5, '1', Number.POSITIVE_INFINITY, 2 ** 60].map(
    (value): Wrong => [argument, ...before, { ...given, [argument]: value }],
  )
const without = (argument: string, given: object, ...before: unknown[]): Wrong => [
  argument,
  ...before,
  { ...given, [argument]: undefined },
]
const socketLike = { on: () => {}, once: () => {}, off: () => {}, send: () => {} }

/** Invalid arguments for each function. Empty if it takes no arguments, or accepts any. */
const WRONG: Readonly<Record<string, readonly Wrong[]>> = {
  createAdminClient: [
    ...options(),
    ['index', {}],
    ['key', { index: 'http://a' }],
    ['signal', { index: 'http://a', key: 'sw_x', signal: 5 }],
  ],
  isPeerId: [],
  diagnose: texts('index'),
  enrolledAt: [['directory'], ['directory', 5], ['directory', 'a\0b']],
  join: [
    ...options(),
    ['options'],
    ['index', { index: 5 }],
    ['identity', { index: 'http://a', identity: 'x' }],
  ],
  ping: [
    ...options(socketLike),
    ['count', socketLike, {}],
    ...['count', 'size', 'intervalMs', 'timeoutMs'].flatMap((name) => [
      ...numbers(name, pinging, socketLike),
      without(name, pinging, socketLike),
    ]),
    ['onReply', socketLike, { ...pinging, onReply: 5 }],
  ],
  receiveFiles: [
    ['directory', new PassThrough(), {}],
    ['directory', new PassThrough(), { directory: 'a\0b' }],
    ['directory', new PassThrough(), { directory: '' }],
    ...numbers('maxBytes', { directory: 'x' }, new PassThrough()),
    ['from', new PassThrough(), { directory: 'x', from: 'bob' }],
    ['decide', new PassThrough(), { directory: 'x', decide: true }],
    ['signal', new PassThrough(), { directory: 'x', signal: {} }],
    ['stream', {}, { directory: 'x' }],
  ],
  sendFiles: [
    ['tunnel', undefined, []],
    ['tunnel', {}, []],
    ['sources', tunnel, 'photo.jpg'],
    ['sources', tunnel, ['photo.jpg']],
    ['sources', tunnel, [null]],
    ...options(tunnel, []),
    ['signal', tunnel, [], { signal: 5 }],
    ['progress', tunnel, [], { progress: 5 }],
  ],
  serve: [
    ['socket', undefined, 'x', {}],
    ...texts('intent', socketLike).slice(0, 4),
    ['serving', socketLike, 'x', 5],
    ['expose', socketLike, 'x', { expose: [0] }],
    ['expose', socketLike, 'x', { expose: ['80'] }],
    ['receive', socketLike, 'x', { receive: '' }],
    ['directory', socketLike, 'x', { receive: {} }],
    ['ping', socketLike, 'x', { ping: 'no' }],
  ],
  isServed: [
    ['intent', 5, {}],
    ['serving', 'x', 'y'],
  ],
  sourcesOf: [
    ['paths', 'x'],
    ['paths', [5]],
    ['paths', ['']],
    ['paths', ['a\0b']],
  ],
  streamSource: [
    ['path', 5, new PassThrough()],
    ['stream', 'x', {}],
  ],
  forwardTcp: [
    ...options(),
    ['tunnel', { ...forwarding, tunnel: tunnel }],
    ...numbers('remotePort', forwarding),
    ...numbers('localPort', forwarding),
    without('remotePort', forwarding),
    ['remotePort', { ...forwarding, remotePort: 65_536 }],
    ['localHost', { ...forwarding, localHost: 5 }],
    ['onFault', { ...forwarding, onFault: 5 }],
  ],
  'Peer.status': [...texts('status'), ...options('away')],
  'Peer.find': [
    ['which', 5],
    ...options('status eq "online"'),
    ...numbers('limit', {}, 'status eq "online"'),
  ],
  'Peer.send': [...texts('to'), ['body', PEER, {}], ...options(PEER, 'x')],
  'Peer.connect': [...ids('peer'), ...options(PEER), ...numbers('timeoutMs', {}, PEER)],
  'Peer.listen': [['decide', 'x']],
  'Peer.close': [],
  'Offer.accept': [...options(), ['clear', { clear: 1 }], ['paths', { paths: 'x' }]],
  'Offer.refuse': [
    ['reason', 5],
    ['reason', HALF],
    ['reason', 'x'.repeat(sdk.LIMITS.reasonBytes + 1)],
  ],
  'Offer.lapse': [],
  'PeerSocket.send': [['datagram'], ['datagram', 5], ['datagram', [5]]],
  'PeerSocket.address': [],
  'PeerSocket.remoteAddress': [],
  'PeerSocket.createStream': [...options(), ['name', { name: 5 }], ['signal', { signal: 5 }]],
  'PeerSocket.close': [['callback', 5]],
  'PeerSocket.ref': [],
  'PeerSocket.unref': [],
  'PeerStream.setTimeout': [
    ['ms', 'x'],
    ['ms', -1],
    ['ms', Number.NaN],
    ['ms', Number.POSITIVE_INFINITY],
  ],
  'PeerStream.setNoDelay': [],
  'PeerStream.setKeepAlive': [],
  'PeerStream.ref': [],
  'PeerStream.unref': [],
  'PeerStream.destroySoon': [],
  'PeerStream.resetAndDestroy': [],
  'PeerStream.carry': [],
  'PeerStream.move': [],
  'PeerStream.abandon': [],
  'Roster.get': ids('peer'),
  'Roster.ready': [...options(), ['signal', { signal: 5 }]],
  'index.search': [...ids('kind').slice(1), ...queries('user')],
  'index.networks.create': json('network'),
  'index.members.list': [...ids('network'), ...queries('n_a')],
  'index.members.put': [...ids('network'), ...ids('user', 'n_a'), ...ids('role', 'n_a', 'u_a')],
  'index.members.delete': [...ids('network'), ...ids('user', 'n_a')],
  'index.invites.list': [...ids('network'), ...queries('n_a')],
  'index.invites.create': [...ids('network'), ...json('invite', 'n_a').slice(1)],
  'index.invites.delete': ids('invite'),
  'index.users.blocks': ids('user'),
  'index.users.block': [...ids('user'), ...ids('blocked', 'u_a')],
  'index.users.unblock': [...ids('user'), ...ids('blocked', 'u_a')],
  'index.objects.list': [...ids('collection'), ...queries('c')],
  'index.objects.get': [...ids('collection'), ...ids('id', 'c'), ...options('c', 'i')],
  'index.objects.put': [
    ...ids('collection', undefined).map(([name, , given]): Wrong => [name, given, 'i', { value: {} }]),
    ...json('value').map(([name, value]): Wrong => [name, 'c', 'i', { value }]),
    ...versions('c', 'i', { value: {} }),
  ],
  'index.objects.update': [
    ...json('value', 'c', 'i'),
    ...versions('c', 'i', {}),
    ['network', 'c', 'i', {}, { network: 5 }],
  ],
  'index.objects.delete': [...ids('collection'), ...ids('id', 'c'), ...options('c', 'i')],
  ...Object.fromEntries(
    ['users', 'networks', 'peers'].flatMap((entity) => [
      [`index.${entity}.list`, queries()],
      [`index.${entity}.get`, ids('id')],
      [`index.${entity}.update`, [...ids('id'), ...json('patch', 'x'), ...versions('x', {})]],
      [`index.${entity}.delete`, ids('id')],
    ]),
  ),
}

test('no door is forgotten', () => {
  expect([...doors.keys()].sort()).toEqual(Object.keys(WRONG).sort())
})

/** Promises that closing a peer does not end, and the files in `test/` that test how they settle. */
const ENDS_ELSEWHERE: Readonly<Record<string, string>> = {
  diagnose: 'cli/verbs.test.ts',
  join: 'peer/doors.test.ts',
  ping: 'cli/verbs.test.ts',
  receiveFiles: 'serve/file.test.ts',
  sendFiles: 'serve/file.test.ts',
  sourcesOf: 'serve/file.test.ts',
  forwardTcp: 'cli/verbs.test.ts',
  'Offer.accept': 'peer/doors.test.ts',
  'PeerSocket.createStream': 'peer/stream/streams.test.ts',
}
const ENDS_WITH_PEER = ['Peer.find', 'Peer.send', 'Peer.connect', 'Roster.ready']

test('no promise is forgotten: each ends with its peer, as is tested below, or is tested elsewhere', () => {
  const promised = [...doors].filter(([name, { call }]) => isAsync(call) && !name.startsWith('index.'))
  const known = [...Object.keys(ENDS_ELSEWHERE), ...ENDS_WITH_PEER]
  expect(promised.map(([name]) => name).sort()).toEqual(known.sort())
  for (const path of Object.values(ENDS_ELSEWHERE)) expect(existsSync(join(TESTS, path)), path).toBe(true)
})

describe('what is wrong with an argument is said by its name:', () => {
  test.each(Object.entries(WRONG).filter(([, wrong]) => wrong.length > 0))('%s', async (name, wrong) => {
    const { self, call } = doors.get(name)!
    for (const [argument, ...given] of wrong) {
      const error = await (async () => Reflect.apply(call, self, given))().then(
        () => undefined,
        (reason: unknown) => reason,
      )
      const what = `${name}(${given.map((each) => `${typeof each === 'object' ? 'object' : String(each)}`)})`
      expect(error, what).toMatchObject({ name: 'StraightwayError' })
      expect((error as sdk.StraightwayError).code, what).toMatch(/^(bad-request|too-large)$/)
      expect((error as Error).message, what).toContain(`\`${argument}\``)
    }
  })
})

test('what a getter says the second time gets past no check', async () => {
  const [ann, bob] = peers as [Peer, Peer]
  const changing = (name: string, first: unknown, then: unknown) => {
    let asked = 0
    return Object.defineProperty({}, name, { enumerable: true, get: () => (asked++ === 0 ? first : then) })
  }
  const found = ann.find({ peer: bob.peer }, changing('limit', 5, Number.NaN))
  await expect(found).resolves.toHaveLength(1)
  expect(() => ann.status('online', { metadata: changing('game', 'chess', { deep: 1 }) as never })).toThrow(
    '`metadata`',
  )
  const bytes = Buffer.from('as it was')
  const heard = once(bob, 'message')
  const sent = ann.send(bob.peer, bytes)
  bytes.fill(0)
  await expect(sent).resolves.toBe('delivered')
  expect((await heard)[0].text).toBe('as it was')
})

describe('every promise ends with the peer, or by itself:', () => {
  /** Calls each function that returns a promise, in a way that nobody answers. Runs last. */
  test('none is left when the peer has closed', async () => {
    const peer = await sdk.join({ index: system.index, invite: system.invite })
    const { roster, index } = peer
    const [, bob] = peers as [Peer, Peer]
    bob.removeAllListeners('offer').on('offer', () => {})
    const doors: Readonly<Record<string, () => Promise<unknown>>> = {
      'Peer.find': () => peer.find('status eq "online"'),
      'Peer.send': () => peer.send(bob.peer, 'anybody?'),
      'Peer.connect': () => peer.connect(bob.peer),
      'Roster.ready': () => roster.ready(),
      'index.search': () => index.search('user'),
      ...Object.fromEntries(
        Object.entries(index).flatMap(([part, methods]) =>
          Object.entries(methods).map(([name, call]) => [
            `index.${part}.${name}`,
            () => call('x', name === 'create' || name === 'update' || part === 'objects' ? {} : 'y', {}),
          ]),
        ),
      ),
    }
    const pending = Object.values(doors).map((call) => (async () => call())())
    const closed = peer.close()
    const outcomes = await Promise.allSettled(pending)
    await closed
    expect(outcomes).toHaveLength(Object.keys(doors).length)
    for (const call of ENDS_WITH_PEER)
      await expect(doors[call]!(), call).rejects.toMatchObject({ code: 'closed' })
    for (const [name, call] of Object.entries(doors))
      await expect((async () => call())(), name).rejects.toMatchObject({ name: 'StraightwayError' })
    expect(await Promise.all([peer.close(), peer.close()])).toEqual([undefined, undefined])
  })
})
