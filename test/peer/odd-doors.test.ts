/** Unexpected behaviour of applications: options that throw, endless texts, closing in the middle of a callback. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Duplex, duplexPair, Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type System, startSystem } from '../../local/system.ts'
import {
  forwardTcp,
  type JoinOptions,
  join as joinPeer,
  type MessageOptions,
  type Offer,
  type Peer,
  type PeerId,
  type PeerSocket,
  ping,
  receiveFiles,
  sendFiles,
  serve,
  sourcesOf,
  streamSource,
} from '../../peer/index.ts'

const HUGE = 'x'.repeat(5_000_000)
const NOBODY = `${'a'.repeat(52)}` as PeerId

const folder = mkdtempSync(join(tmpdir(), 'straightway-odd-'))
let system: System
let ann: Peer
let bob: Peer
let socket: PeerSocket

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
  rmSync(folder, { recursive: true })
})

const joining = (options: Partial<JoinOptions> = {}): Promise<Peer> =>
  joinPeer({ index: system.index, invite: system.invite, ...options })

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

const outcome = async (call: () => unknown): Promise<unknown> => {
  try {
    return await call()
  } catch (error) {
    return error
  }
}

const nextMessage = async (options: MessageOptions = {}): Promise<string> => {
  const heard = once(bob, 'message')
  await ann.send(bob.peer, 'still there?', options)
  return (await heard)[0].text
}

describe('options that throw when they are read', () => {
  const MINE = new Error('of the application')
  const throwing = <T extends object>(): T =>
    new Proxy({} as T, {
      ownKeys: () => {
        throw MINE
      },
      has: () => {
        throw MINE
      },
      get: () => {
        throw MINE
      },
    })

  const doors: Readonly<Record<string, () => unknown>> = {
    join: () => joinPeer(throwing()),
    find: () => ann.find('status eq "online"', throwing()),
    which: () => ann.find(throwing()),
    send: () => ann.send(bob.peer, 'x', throwing()),
    connect: () => ann.connect(bob.peer, throwing()),
    status: () => ann.status('online', throwing()),
    metadata: () => ann.status('online', { metadata: throwing() }),
    ready: () => ann.roster.ready(throwing()),
    createStream: () => socket.createStream(throwing()),
    ping: () => ping(socket, throwing()),
    sendFiles: () => sendFiles(socket, [], throwing()),
    receiveFiles: () => receiveFiles((duplexPair() as [Duplex, Duplex])[0], throwing()),
    forwardTcp: () => forwardTcp(throwing()),
    serve: () => serve(socket, 'straightway/ping', throwing()),
    list: () => ann.index.users.list(throwing()),
    put: () => ann.index.objects.put('notes', 'one', { value: throwing() }),
  }

  test.each(
    Object.entries(doors),
  )('make %s fail with what they throw, or say which argument it was', async (_, call) => {
    const error = (await outcome(call)) as Error
    expect(error).toBeInstanceOf(Error)
    expect([error.message, (error.cause as Error | undefined)?.message]).toContain(MINE.message)
  })

  test('and everything goes on', async () => {
    expect(await nextMessage()).toBe('still there?')
  })
})

test('frozen options are as good as others', async () => {
  const frozen = <T extends object>(options: T): T => Object.freeze(options)
  const metadata = frozen({ game: 'go' })
  ann.status('online', frozen({ metadata }))
  await expect(ann.find(frozen({ peer: bob.peer }), frozen({ limit: 1 }))).resolves.toHaveLength(1)
  expect(await nextMessage(frozen({}))).toBe('still there?')
})

describe('texts without end are refused at the door, or by INDEX, and nothing hangs:', () => {
  const doors: Readonly<Record<string, () => unknown>> = {
    'the recipient of a message': () => ann.send(HUGE as PeerId, 'x'),
    'the peer of a tunnel': () => ann.connect(HUGE as PeerId),
    'an intent': () => ann.connect(bob.peer, { intent: HUGE }),
    'a filter': () => ann.find(HUGE),
    'a user that is looked for': () => ann.find({ user: HUGE } as never),
    'the name of a stream': () => socket.createStream({ name: HUGE }),
    'a status': () => ann.status('online', { custom: HUGE }),
    metadata: () => ann.status('online', { metadata: { HUGE } }),
    'the name of a peer': () => joining({ name: HUGE }),
    'an invite': () => joining({ invite: HUGE }),
    'a path': () => sourcesOf([HUGE]),
    'a folder to receive into': () => receiveFiles(offering(), { directory: `/${HUGE}` }),
    'an id': () => ann.index.users.get(HUGE as never),
    'a message': () => ann.send(bob.peer, HUGE),
    'a datagram': () => new Promise((resolve) => socket.send(HUGE, resolve)),
  }
  const offering = (): Duplex => {
    const [here, there] = duplexPair() as [Duplex, Duplex]
    void sendFiles({ createStream: async () => here }, [streamSource('a', Readable.from(['x']))]).catch(
      () => {},
    )
    return there
  }

  test.each(Object.entries(doors))('%s', async (_, call) => {
    expect(await outcome(call)).toMatchObject({ name: 'StraightwayError' })
  })
})

describe('an end in the middle of a callback', () => {
  test('by the signal, when the offer rings', async () => {
    const peer = await another()
    peer.on('offer', () => {})
    const stop = new AbortController()
    const asked = ann.connect(peer.peer, { signal: stop.signal, ringing: () => stop.abort() })
    await expect(asked).rejects.toMatchObject({ code: 'closed' })
  })

  test('by the signal, while files are sent, and while they are decided', async () => {
    for (const side of ['sender', 'receiver'] as const) {
      const [here, there] = duplexPair() as [Duplex, Duplex]
      const stop = new AbortController()
      const [sends, receives] = side === 'sender' ? [stop.signal, undefined] : [undefined, stop.signal]
      const sent = sendFiles({ createStream: async () => here }, [streamSource('a', endless())], {
        ...(sends && { signal: sends, progress: () => stop.abort() }),
      })
      const received = receiveFiles(there, {
        directory: folder,
        ...(receives && {
          signal: receives,
          decide: () => {
            stop.abort()
            return true
          },
        }),
      })
      for (const { status } of await Promise.allSettled([sent, received])) expect(status).toBe('rejected')
    }
  })

  test('by close, in a listener of each event', async () => {
    const [peer, friend] = await Promise.all([another(), another()])
    friend.on('message', () => void friend.close())
    await outcome(() => peer.send(friend.peer, 'close'))
    await friend.close()
    peer.on('offer', () => void peer.close())
    const refused = await outcome(() => ann.connect(peer.peer))
    expect(refused).toMatchObject({ name: 'StraightwayError' })
    await peer.close()
    await expect(peer.send(NOBODY, 'x')).rejects.toMatchObject({ code: 'closed' })
  })

  test('by close of a socket, when a datagram or a stream comes, twice', async () => {
    const [peer, friend] = await Promise.all([another(), another()])
    friend.on('offer', async (offer) => {
      const taken = await offer.accept()
      taken.on('message', () => taken.close().close())
    })
    const tunnel = await peer.connect(friend.peer)
    const closed = once(tunnel, 'close')
    tunnel.send('close')
    expect(await closed).toEqual(['closedByOther'])
    await new Promise<void>((resolve) => tunnel.close(resolve))
    await expect(tunnel.createStream()).rejects.toMatchObject({ code: 'closed' })
    expect(() => tunnel.send('x')).toThrow('closed')
  })

  test('by the signal, while a peer joins, however far it has come', async () => {
    let seen = 0
    const stop = new AbortController()
    const before = createServer(async (request, response) => {
      const chunks = await request.toArray()
      const answer = await fetch(`${system.index}${request.url}`, {
        method: request.method!,
        headers: { 'content-type': 'application/json' },
        ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
      })
      if (++seen === 2) stop.abort()
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
      response.end(Buffer.from(await answer.arrayBuffer()))
    }).listen(0, '127.0.0.1')
    await once(before, 'listening')
    onTestFinished(() => before.close().closeAllConnections())
    const index = `http://127.0.0.1:${(before.address() as AddressInfo).port}`
    await expect(joining({ index, signal: stop.signal })).rejects.toMatchObject({ code: 'closed' })
    expect(seen).toBe(2)
  })
})

async function* endlessly() {
  for (;;) yield Buffer.alloc(1000)
}
const endless = (): Readable => Readable.from(endlessly())
