/** The peer of the process that is `up`, for use by a verb. Requests go through the door of the home (protocol.ts). */
import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Delivery, IndexClient, PeerEvents, PresenceRecord, Which } from '../../peer/index.ts'
import { Records, type Value } from '../../serve/records.ts'
import { StraightwayError } from '../../shared/errors.ts'
import type { NetworkId, PeerId, UserId } from '../../shared/ids.ts'
import type { OwnStatus } from '../../shared/wire/presence.ts'
import type { Asked, Seat } from '../seat.ts'
import { DOOR_PROTOCOL, type Door, knock, readDoor } from './door.ts'
import { Framed } from './framed.ts'
import { errorOf, nextValue, type SelfFacts, type TunnelFacts, withoutAbsent } from './protocol.ts'
import { remoteIndex } from './remote-index.ts'
import { RemoteTunnel } from './remote-tunnel.ts'

const GONE = '`straightway up` of this home has ended: start it again, or do without.'

interface Answer {
  resolve(result: unknown): void
  reject(error: Error): void
}

export class RemotePeer implements Seat {
  readonly isShared = true
  readonly events = new EventEmitter<PeerEvents>()
  readonly facts: SelfFacts
  readonly index: IndexClient
  readonly #door: Door
  readonly #records: Records
  readonly #answers = new Map<number, Answer>()
  readonly #tunnels = new Map<number, RemoteTunnel>()
  /** Events of tunnels whose opening has not been answered yet. */
  readonly #early = new Map<number, Value[]>()
  #decide: ((offer: Asked) => void) | undefined
  #last = 0
  #closed = false

  private constructor(door: Door, records: Records, facts: SelfFacts) {
    this.#door = door
    this.#records = records
    this.facts = facts
    this.index = remoteIndex((path, args) => this.#call('index', path, args))
    void this.#hear()
  }

  /** Connects to the process that is `up`; undefined if there is none. Rejects with `conflict` if it has another version. */
  static async open(home: string): Promise<RemotePeer | undefined> {
    const door = readDoor(home)
    if (door === undefined) return undefined
    const opened = await enter(door, { open: 'control' })
    return opened && new RemotePeer(door, opened.records, opened.welcome as unknown as SelfFacts)
  }

  get peer(): PeerId {
    return this.facts.peer
  }

  get user(): UserId {
    return this.facts.user
  }

  get networks(): NetworkId[] {
    return [...this.facts.networks] as NetworkId[]
  }

  self(): Promise<SelfFacts> {
    return this.#call('self')
  }

  find(which: Which, options?: { readonly limit?: number }): Promise<PresenceRecord[]> {
    return this.#call('find', which, options)
  }

  send(to: PeerId | UserId, body: string | Uint8Array): Promise<Delivery> {
    return this.#call('send', to, Buffer.from(body as string).toString('base64'))
  }

  status(status: OwnStatus, more?: { readonly custom?: string }): void {
    this.#call('status', status, more).catch(() => {})
  }

  /** Sets the status and custom text. Rejects if they are invalid. */
  setStatus(status: OwnStatus, custom: string): Promise<void> {
    return this.#call('status', status, { custom })
  }

  async connect(
    to: PeerId,
    { intent, paths, signal }: Parameters<Seat['connect']>[1],
  ): Promise<RemoteTunnel> {
    const number = ++this.#last
    const withdraw = () => void this.#call('withdraw', number).catch(() => {})
    signal?.addEventListener('abort', withdraw, { once: true })
    try {
      return this.#hold(await this.#call<TunnelFacts>('connect', number, to, { intent, paths }))
    } finally {
      signal?.removeEventListener('abort', withdraw)
    }
  }

  async serve(intents: readonly string[], decide: (offer: Asked) => void): Promise<void> {
    this.#decide = decide
    await this.#call('serve', intents)
  }

  async watch(): Promise<void> {
    await this.#call('watch')
  }

  /** Stops the process that is `up`. Resolves when it has signed out. */
  async stop(): Promise<void> {
    const gone = new Promise<void>((resolve) => this.#records.stream.once('close', () => resolve()))
    await this.#call('stop')
    await gone
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#records.stream.destroy()
    this.#end()
  }

  #hold(facts: TunnelFacts): RemoteTunnel {
    const { client } = this.facts
    const tunnel: RemoteTunnel = new RemoteTunnel(facts, {
      send: (bytes) => void this.#send({ call: 'datagram', args: [facts.tunnel, bytes.toString('base64')] }),
      open: (name) => this.#stream({ client, open: { tunnel: facts.tunnel, name } }),
      take: (stream) => this.#stream({ client, open: { take: stream } }),
      close: () => this.#call('closeTunnel', facts.tunnel),
    })
    this.#tunnels.set(facts.tunnel, tunnel)
    for (const value of this.#early.get(facts.tunnel) ?? []) this.#happenedTo(tunnel, value)
    this.#early.delete(facts.tunnel)
    return tunnel
  }

  async #stream(hello: Value): Promise<Duplex> {
    const opened = await enter(this.#door, hello)
    if (opened === undefined) throw new StraightwayError('closed', GONE)
    return new Framed(opened.records)
  }

  #call<T>(call: string, ...args: unknown[]): Promise<T> {
    if (this.#closed) return Promise.reject(new StraightwayError('closed', GONE))
    const id = ++this.#last
    return new Promise<T>((resolve, reject) => {
      this.#answers.set(id, { resolve: resolve as (result: unknown) => void, reject })
      this.#send({ id, call, args: withoutAbsent(args) }).catch(reject)
    })
  }

  #send(value: Value): Promise<void> {
    return this.#records.value(value)
  }

  async #hear(): Promise<void> {
    for (;;) {
      const value = await nextValue(this.#records)
      if (value === undefined) break
      if (typeof value.event === 'string') this.#happened(value.event, value)
      else this.#answered(value)
    }
    this.#closed = true
    this.#records.stream.destroy()
    this.#end()
  }

  #answered(value: Value): void {
    const answer = this.#answers.get(value.id as number)
    this.#answers.delete(value.id as number)
    const error = errorOf(value)
    if (error !== undefined) answer?.reject(error)
    else answer?.resolve(value.result)
  }

  #happened(event: string, value: Value): void {
    if (event === 'offer') this.#offered(value)
    else if (event.startsWith('peer/')) {
      const args = (value.args as unknown[]).map(withBytes)
      ;(this.events as NodeJS.EventEmitter).emit(event.slice('peer/'.length), ...args)
    } else {
      const { tunnel: number } = value as unknown as TunnelFacts
      const tunnel = this.#tunnels.get(number)
      if (tunnel !== undefined) this.#happenedTo(tunnel, value)
      else this.#early.set(number, [...(this.#early.get(number) ?? []), value])
    }
  }

  #happenedTo(tunnel: RemoteTunnel, value: Value): void {
    const facts = value as unknown as TunnelFacts
    tunnel.happened(`${value.event}`, facts, value)
    if (value.event === 'tunnel/close') this.#tunnels.delete(facts.tunnel)
  }

  #offered({ offer, from, user, intent }: Value): void {
    const asked = { from: from as PeerId, user: user as UserId | undefined, intent: `${intent}` }
    this.#decide?.({
      ...asked,
      accept: async (options) => this.#hold(await this.#call<TunnelFacts>('accept', offer, options)),
      refuse: (reason) => void this.#call('refuse', offer, reason).catch(() => {}),
    })
  }

  /** Handles the end of the connection. */
  #end(): void {
    for (const { reject } of this.#answers.values()) reject(new StraightwayError('closed', GONE))
    this.#answers.clear()
    for (const tunnel of this.#tunnels.values()) tunnel.lost()
    this.#tunnels.clear()
    if (this.#decide !== undefined) this.events.emit('state', 'offline', undefined)
    this.#decide = undefined
  }
}

/** Opens a connection and sends `hello`; undefined if nobody answers. */
async function enter(door: Door, hello: Value): Promise<{ records: Records; welcome: Value } | undefined> {
  const socket = await knock(door)
  if (socket === undefined) return undefined
  const records = new Records(socket)
  await records.value({ protocol: DOOR_PROTOCOL, token: door.token, ...hello })
  const welcome = await nextValue(records)
  const refusal = welcome && errorOf(welcome)
  if (welcome !== undefined && refusal === undefined) return { records, welcome }
  socket.destroy()
  if (refusal !== undefined) throw refusal
  return undefined
}

function withBytes(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('body' in value)) return value
  return { ...value, body: Buffer.from(`${value.body}`, 'base64') }
}
