/** A running verb as seen by the process that is `up`: its requests, its tunnels, and the offers that it decides. */
import type { Duplex } from 'node:stream'
import type { AcceptOptions, ConnectOptions, Offer, Peer, PeerSocket, Which } from '../../peer/index.ts'
import type { Records, Value } from '../../serve/records.ts'
import { StraightwayError } from '../../shared/errors.ts'
import type { PeerId, UserId } from '../../shared/ids.ts'
import type { OwnStatus } from '../../shared/wire/presence.ts'
import { errorValue, nextValue, type SelfFacts, type TunnelFacts } from './protocol.ts'

/** A stream of the other side that no verb has fetched after this time is destroyed. */
const FETCH_MS = 10_000

export interface ClientOptions {
  readonly records: Records
  readonly peer: Peer
  readonly self: () => SelfFacts
  readonly onStop: () => void
  readonly onStatus: (status: string, custom: string) => void
}

type Call = (...args: never[]) => unknown

export class Client {
  readonly #options: ClientOptions
  readonly #tunnels = new Map<number, PeerSocket>()
  readonly #offers = new Map<number, Offer>()
  readonly #streams = new Map<number, Duplex>()
  readonly #connecting = new Map<number, AbortController>()
  readonly #unwatch: (() => void)[] = []
  #intents: readonly string[] = []
  #last = 0

  constructor(options: ClientOptions) {
    this.#options = options
  }

  self(): SelfFacts {
    return this.#options.self()
  }

  serves(intent: string): boolean {
    return this.#intents.includes(intent)
  }

  offer(offer: Offer): void {
    const number = ++this.#last
    this.#offers.set(number, offer)
    const { from, user, intent } = offer
    this.#tell('offer', { offer: number, from, user, intent })
  }

  /** Answers the verb's requests until it disconnects. */
  async run(): Promise<void> {
    for (;;) {
      const request = await nextValue(this.#options.records)
      if (request === undefined) break
      void this.#answer(request)
    }
    this.#left()
    this.close()
  }

  close(): void {
    this.#options.records.stream.destroy()
  }

  /** Opens a new stream of a tunnel, or returns one that the other side opened. */
  async streamFor({ open }: Value): Promise<Duplex> {
    const { tunnel, name, take } = Object(open) as Record<string, unknown>
    if (typeof take === 'number') {
      const stream = this.#streams.get(take)
      this.#streams.delete(take)
      if (stream !== undefined) return stream
      throw new StraightwayError('closed', 'The other side has cut the stream.')
    }
    return this.#tunnel(Number(tunnel)).createStream({ name: `${name ?? ''}`, allowHalfOpen: true })
  }

  async #answer({ id, call, args }: Value): Promise<void> {
    try {
      const calls = this.#calls as Readonly<Record<string, Call>>
      if (!Object.hasOwn(calls, `${call}`))
        throw new StraightwayError('bad-request', `There is no call ${call}.`)
      const result = await calls[`${call}`]!(...((Array.isArray(args) ? args : []) as never[]))
      if (id !== undefined) await this.#send({ id, result })
    } catch (error) {
      if (id !== undefined) await this.#send({ id, ...errorValue(error) })
    }
  }

  readonly #calls = {
    self: () => this.self(),
    find: (which: Which, options?: { limit?: number }) => this.#options.peer.find(which, options),
    send: (to: PeerId | UserId, body: string) => this.#options.peer.send(to, Buffer.from(body, 'base64')),
    status: (status: OwnStatus, more?: { custom?: string }) => {
      this.#options.peer.status(status, more)
      this.#options.onStatus(status, more?.custom ?? '')
    },
    index: (path: readonly string[], args: readonly unknown[]) =>
      callAt(this.#options.peer.index, path, args),
    connect: (number: number, to: PeerId, options: ConnectOptions) => this.#connect(number, to, options),
    withdraw: (number: number) => this.#connecting.get(number)?.abort(),
    datagram: (tunnel: number, bytes: string) => this.#tunnel(tunnel).send(Buffer.from(bytes, 'base64')),
    closeTunnel: (tunnel: number) =>
      new Promise<void>((resolve) => {
        const socket = this.#tunnels.get(tunnel)
        if (socket === undefined) resolve()
        else socket.close(resolve)
      }),
    serve: (intents: readonly string[]) => {
      this.#intents = intents
    },
    accept: async (offer: number, options?: AcceptOptions) =>
      this.#hold(await this.#offer(offer).accept(options)),
    refuse: (offer: number, reason?: string) => this.#offer(offer).refuse(reason),
    watch: () => this.#watch(),
    stop: () => this.#options.onStop(),
  }

  async #connect(number: number, to: PeerId, options: ConnectOptions): Promise<TunnelFacts> {
    const withdrawal = new AbortController()
    this.#connecting.set(number, withdrawal)
    try {
      const { intent = '', paths = 'auto' } = options
      return this.#hold(await this.#options.peer.connect(to, { intent, paths, signal: withdrawal.signal }))
    } finally {
      this.#connecting.delete(number)
    }
  }

  #hold(socket: PeerSocket): TunnelFacts {
    const number = ++this.#last
    this.#tunnels.set(number, socket)
    const tell = (event: string, more: Value = {}) =>
      this.#tell(event, { ...factsOf(number, socket), ...more })
    socket.on('path', () => tell('tunnel/path'))
    socket.on('security', () => tell('tunnel/security'))
    socket.on('message', (bytes, from) => tell('tunnel/message', { bytes: bytes.toString('base64'), from }))
    socket.on('stream', (stream, { name }) => tell('tunnel/stream', { stream: this.#keep(stream), name }))
    socket.on('error', (error) => tell('tunnel/error', errorValue(error)))
    socket.on('close', (end) => {
      this.#tunnels.delete(number)
      tell('tunnel/close', { end })
    })
    return factsOf(number, socket)
  }

  #keep(stream: Duplex): number {
    const number = ++this.#last
    this.#streams.set(number, stream)
    stream.on('error', () => {})
    stream.allowHalfOpen = true
    const patience = setTimeout(() => this.#streams.delete(number) && stream.destroy(), FETCH_MS)
    patience.unref()
    return number
  }

  #watch(): void {
    const { peer } = this.#options
    for (const event of ['message', 'presence', 'change', 'state'] as const) {
      const tell = (...args: unknown[]) => this.#tell(`peer/${event}`, { args: args.map(withoutBytes) })
      ;(peer as NodeJS.EventEmitter).on(event, tell)
      this.#unwatch.push(() => (peer as NodeJS.EventEmitter).off(event, tell))
    }
  }

  #left(): void {
    this.#intents = []
    for (const end of this.#unwatch.splice(0)) end()
    for (const withdrawal of this.#connecting.values()) withdrawal.abort()
    for (const offer of this.#offers.values()) if (!offer.decided) offer.refuse('not-served')
    for (const stream of this.#streams.values()) stream.destroy()
    for (const socket of this.#tunnels.values()) socket.close()
  }

  #tunnel(number: number): PeerSocket {
    const socket = this.#tunnels.get(number)
    if (socket === undefined) throw new StraightwayError('closed', 'The tunnel is closed.')
    return socket
  }

  #offer(number: number): Offer {
    const offer = this.#offers.get(number)
    if (offer === undefined) throw new StraightwayError('not-found', 'There is no such offer.')
    this.#offers.delete(number)
    return offer
  }

  #tell(event: string, args: object): void {
    void this.#send({ event, ...args })
  }

  async #send(value: Value): Promise<void> {
    await this.#options.records.value(value).catch(() => {})
  }
}

const factsOf = (
  tunnel: number,
  { remotePeer, path, whyNotDirect, times, effort, security }: PeerSocket,
): TunnelFacts => ({
  tunnel,
  remotePeer,
  path,
  whyNotDirect,
  times,
  effort,
  security,
})

/** Encodes the bytes of a message's body as base64 text, because JSON has no bytes. */
function withoutBytes(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('body' in value)) return value
  return { ...value, body: Buffer.from(value.body as Uint8Array).toString('base64') }
}

/** Calls a method of INDEX by its path, such as `members.list`. Only methods of INDEX can be called. */
function callAt(index: object, path: readonly string[], args: readonly unknown[]): unknown {
  let at: unknown = index
  for (const name of path) {
    const isOwn = typeof at === 'object' && at !== null && !(name in Object.prototype) && name in at
    if (!isOwn) throw new StraightwayError('bad-request', `INDEX has no ${path.join('.')}.`)
    at = (at as Record<string, unknown>)[name]
  }
  if (typeof at !== 'function') throw new StraightwayError('bad-request', `INDEX has no ${path.join('.')}.`)
  return at(...args)
}
