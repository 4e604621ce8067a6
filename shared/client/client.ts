/**
 * A peer as its application sees it, on every platform: it turns the effects of the endpoint into events and promises.
 * `Peer` of Node and `Peer` of browsers add an emitter, and a driver that gives the endpoint its sockets.
 */
import { check, checkInteger, checkPeer, checkSignal, checkText, taken } from '../arguments.ts'
import type { EndpointEffect, EndpointInput, OfflineReason, OwnPresence } from '../core/peer/events.ts'
import { StraightwayError } from '../errors.ts'
import { isPeerId, type PeerId, type TunnelId, type UserId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import type { PresenceRecord } from '../presence-record.ts'
import { formatIp } from '../wire/address.ts'
import type { Change, OwnStatus } from '../wire/presence.ts'
import type { Account } from './account.ts'
import { Calls, type ConnectOptions, checkConnectOptions } from './calls.ts'
import type { Home } from './home.ts'
import { type Delivery, type Message, Messages } from './messages.ts'
import { type AcceptOptions, type HeardOffer, Offer } from './offer.ts'
import { Others } from './others.ts'
import { checkedPresence } from './own-presence.ts'
import { throwLater } from './pause.ts'
import type { ClientEvents, PeerState } from './peer-events.ts'
import type { RosterSource } from './roster-records.ts'
import { checkedWhich, type Which } from './which.ts'

const FOUND_AT_ONCE = 20
/** Refusal reason sent to the other peer if an `offer` listener throws before it decides. */
const LISTENER_FAILED = 'listener-failed'

/** Effects of the endpoint that concern the application. */
export type Affair = Extract<
  EndpointEffect,
  {
    kind:
      | 'online'
      | 'offline'
      | 'address'
      | 'message'
      | 'receipt'
      | 'unanswered'
      | 'presence'
      | 'change'
      | 'missed'
      | 'found'
      | 'offer'
      | 'lapsed'
      | 'ringing'
      | 'agreed'
      | 'opened'
      | 'failed'
  }
>

/** Options of `Peer.find`. */
export interface FindOptions {
  /** Largest number of peers to return, 1 to LIMITS.pageSize. Default: 20. */
  readonly limit?: number
  /** Aborts the search; the promise rejects with `closed`. */
  readonly signal?: AbortSignal
}

/** Options of `Peer.send`. */
export interface MessageOptions {
  /** Stops waiting for the delivery; the promise rejects with `closed`. The message may still be delivered. */
  readonly signal?: AbortSignal
}

export interface ClientOptions<Socket, Roster> {
  readonly self: PeerId
  readonly home: Home
  readonly account: Account
  readonly presence: OwnPresence
  readonly handle: (input: EndpointInput) => void
  /** Makes the socket of a tunnel that both sides agreed on. */
  readonly socketOf: (tunnel: TunnelId, peer: PeerId) => Socket
  readonly roster: (source: RosterSource) => Roster
  /** Returns false if the event has no listener. */
  readonly emit: <E extends keyof ClientEvents<Message, Socket>>(
    event: E,
    ...told: ClientEvents<Message, Socket>[E]
  ) => boolean
  readonly listeners: (event: keyof ClientEvents<Message, Socket>) => number
  /** Tells an error for which the application has no listener. */
  readonly warn: (error: StraightwayError) => void
}

export class Client<Socket, Roster> {
  readonly #options: ClientOptions<Socket, Roster>
  readonly #others: Others<Roster>
  readonly #messages: Messages
  readonly #calls: Calls<Socket>
  /** Offers that the application has not decided yet. */
  readonly #offers = new Map<TunnelId, Offer<Socket>>()
  #presence: OwnPresence
  #state: PeerState = 'offline'
  #isClosing = false

  constructor(options: ClientOptions<Socket, Roster>) {
    const { home, account, self, handle, socketOf, roster, emit } = options
    this.#options = options
    this.#presence = options.presence
    const failed = (error: unknown) => this.fail(error)
    this.#messages = new Messages({ home, handle, emit: (message) => emit('message', message), failed })
    this.#calls = new Calls({ handle, socketOf })
    const presence = (record: PresenceRecord) => void emit('presence', record)
    this.#others = new Others({ self, account, handle, presence, failed, roster })
  }

  get state(): PeerState {
    return this.#state
  }

  get others(): Others<Roster> {
    return this.#others
  }

  status(status: OwnStatus, options: Partial<Pick<OwnPresence, 'custom' | 'metadata'>>): void {
    this.#checkOpen()
    const { custom = this.#presence.custom, metadata = this.#presence.metadata } = taken(options)
    this.#presence = checkedPresence({ status, custom, metadata })
    this.#options.handle({ kind: 'presence', presence: this.#presence })
  }

  async find(which: Which, options: FindOptions): Promise<PresenceRecord[]> {
    this.#checkOpen()
    const { limit = FOUND_AT_ONCE, signal } = taken(options)
    checkInteger(limit, 'limit', 1, LIMITS.pageSize)
    checkSignal(signal)
    return this.#others.find(checkedWhich(which), limit, signal)
  }

  async send(to: PeerId | UserId, body: string | Uint8Array, options: MessageOptions): Promise<Delivery> {
    this.#checkOpen()
    checkText(to, 'to')
    check(typeof body === 'string' || body instanceof Uint8Array, 'body', 'a text or a Uint8Array', body)
    if (typeof body === 'string') checkText(body, 'body')
    const { signal } = taken(options)
    checkSignal(signal)
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : new Uint8Array(body)
    if (bytes.length > LIMITS.messageBytes) {
      const detail = `\`body\` has at most ${LIMITS.messageBytes} bytes: use a tunnel for more.`
      throw new StraightwayError('too-large', detail)
    }
    if (isPeerId(to)) return this.#messages.send(to, bytes, signal)
    return this.#sendToUser(to as UserId, bytes, signal)
  }

  async connect(peer: PeerId, options: ConnectOptions): Promise<Socket> {
    this.#checkOpen()
    checkPeer(peer, 'peer')
    const asked = taken(options)
    checkConnectOptions(asked)
    return this.#calls.connect(peer, asked)
  }

  /** The peer is about to close: what waits for an answer is rejected, and no error is told any more. */
  close(): void {
    this.#isClosing = true
    this.#messages.close()
    this.#others.close()
    this.#calls.close()
  }

  /** Tells the endpoint soon what the application listens to. Call it when listeners changed. */
  listened(): void {
    queueMicrotask(() => {
      const { listeners, handle } = this.#options
      handle({ kind: 'listening', messages: listeners('message') > 0, offers: listeners('offer') > 0 })
    })
  }

  perform(effect: Affair): void {
    switch (effect.kind) {
      case 'online':
        this.#online()
        break
      case 'offline':
        this.#offline(effect.why)
        break
      case 'address':
        this.#options.emit('address', formatIp(effect.address.words))
        break
      case 'message':
        this.#messages.arrived(effect)
        break
      case 'receipt':
        this.#messages.receipt(effect.id, effect.outcome)
        break
      case 'unanswered':
        if (effect.what === 'send') this.#messages.unanswered(effect.id)
        else this.#others.unanswered(effect.id)
        break
      case 'presence':
        this.#others.heard(effect.record)
        break
      case 'change':
        this.#changed(effect.change)
        break
      case 'missed':
        this.#others.learn()
        break
      case 'found':
        this.#others.found(effect)
        break
      case 'offer':
        void this.#offered(effect)
        break
      case 'lapsed':
        this.#offers.get(effect.tunnel)?.lapse()
        this.#offers.delete(effect.tunnel)
        break
      case 'ringing':
        this.#calls.ringing(effect.id)
        break
      case 'agreed':
        this.#calls.agreed(effect)
        break
      case 'opened':
        this.#calls.opened(effect)
        break
      case 'failed':
        this.#calls.failed(effect)
    }
  }

  /**
   * Handles the rejection of an async listener, such as one that accepts an offer and then finds no path. If the offer
   * is still undecided, it is refused.
   */
  rejected(error: unknown, given: unknown): void {
    if (given instanceof Offer && !given.decided) given.refuse(LISTENER_FAILED)
    this.fail(error)
  }

  /**
   * Handles a bug: the endpoint threw while it handled `input`. The input then has no effect, so a promise that waits
   * for its outcome is rejected here.
   */
  broken(error: unknown, input: EndpointInput | undefined): void {
    const told = new StraightwayError('internal', `${error}`, { cause: error })
    if (input !== undefined) {
      this.#messages.broken(input, told)
      this.#calls.broken(input, told)
      this.#others.broken(input, told)
    }
    this.fail(error)
  }

  fail(error: unknown): void {
    if (this.#isClosing) return
    const known = error instanceof StraightwayError
    const told = known ? error : new StraightwayError('internal', `${error}`, { cause: error })
    if (this.#options.listeners('error') > 0) this.#options.emit('error', told)
    else this.#options.warn(told)
  }

  #checkOpen(): void {
    if (this.#isClosing) throw new StraightwayError('closed', 'The peer was closed.')
  }

  async #sendToUser(user: UserId, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<Delivery> {
    const peers = await this.#others.find({ user }, LIMITS.pageSize, signal)
    const others = peers.filter(({ peer }) => peer !== this.#options.self)
    if (others.length === 0)
      throw new StraightwayError('unknown-peer', 'This user has no peer that shares a network with you.')
    return bestOf(
      await Promise.allSettled(others.map(({ peer }) => this.#messages.send(peer, bytes, signal))),
    )
  }

  #online(): void {
    this.#state = 'online'
    this.#others.learn()
    this.#options.emit('state', 'online', undefined)
  }

  #offline(why: OfflineReason): void {
    if (this.#state === 'online' && !this.#isClosing) this.#others.lost()
    this.#state = 'offline'
    this.#options.emit('state', 'offline', why)
  }

  #changed(change: Change): void {
    if (this.#others.changed(change)) this.#options.emit('change', change)
  }

  async #offered(heard: HeardOffer): Promise<void> {
    const { tunnel } = heard
    const decision = {
      accept: (options: AcceptOptions) => {
        this.#offers.delete(tunnel)
        return this.#calls.accept(tunnel, options)
      },
      refuse: (reason: string) => {
        this.#offers.delete(tunnel)
        this.#calls.refuse(tunnel, reason)
      },
    }
    const offer = new Offer(heard, await this.#others.userOf(heard.from), decision)
    this.#offers.set(tunnel, offer)
    try {
      if (!this.#options.emit('offer', offer)) offer.refuse('not-listening')
    } catch (error) {
      if (!offer.decided) offer.refuse(LISTENER_FAILED)
      throwLater(error)
    }
  }
}

/** Combines the outcomes of a message to several peers: the best delivery, or an error only if every peer refused. */
function bestOf(sent: readonly PromiseSettledResult<Delivery>[]): Delivery {
  const outcomes = sent.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  if (outcomes.length > 0) return outcomes.includes('delivered') ? 'delivered' : 'stored'
  throw (sent[0] as PromiseRejectedResult).reason
}
