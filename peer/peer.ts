/**
 * A peer: online at a CHECKPOINT, found and reached by the others of its networks. It stays so by itself: it signs in
 * again, at another node, whenever it has to, and keeps its ticket fresh. What it was asked to send meanwhile waits.
 */
import { EventEmitter } from 'node:events'
import type { EndpointInput, OfflineReason, OwnPresence } from '../shared/core/peer/events.ts'
import type { Identity } from '../shared/crypto/identity.ts'
import { StraightwayError } from '../shared/errors.ts'
import { isPeerId, type NetworkId, type PeerId, type TunnelId, type UserId } from '../shared/ids.ts'
import { LIMITS } from '../shared/limits.ts'
import type { Change, OwnStatus } from '../shared/wire/presence.ts'
import type { Account } from './account.ts'
import { check, checkInteger, checkPeer, checkSignal, checkText, taken } from './arguments.ts'
import { Calls, type ConnectOptions, checkConnectOptions } from './calls.ts'
import { type Affair, EndpointDriver } from './endpoint-driver.ts'
import type { Home } from './home/home.ts'
import { type Delivery, Messages } from './messages.ts'
import { type AcceptOptions, type HeardOffer, Offer } from './offer.ts'
import { Others } from './others.ts'
import { checkedPresence } from './own-presence.ts'
import type { PeerEvents, PeerState } from './peer-events.ts'
import type { PeerSocket } from './peer-socket.ts'
import type { PresenceRecord } from './presence-record.ts'
import type { IndexClient } from './rest/index-client.ts'
import type { Roster } from './roster.ts'
import { checkedWhich, type Which } from './which.ts'

const FOUND_AT_ONCE = 20
/** What the other side is told if a listener of ours throws before it decides. */
const LISTENER_FAILED = 'listener-failed'

/** Of `find`. */
export interface FindOptions {
  /** 1 to LIMITS.pageSize. Default: 20. */
  readonly limit?: number
  /** Aborted: the search ends. */
  readonly signal?: AbortSignal
}

/** Of `send`. */
export interface MessageOptions {
  /** Aborted: no longer waits for the delivery, which may still happen. */
  readonly signal?: AbortSignal
}

export interface PeerParts {
  readonly identity: Identity
  readonly home: Home
  readonly account: Account
  readonly presence: OwnPresence
  readonly scatter: boolean
  /** False: UDP is never used. */
  readonly udp: boolean
}

/** A peer that is online: what `join` resolves with. */
export class Peer extends EventEmitter<PeerEvents> {
  /** Its id: the public key. */
  readonly peer: PeerId
  /** Whose peer it is. */
  readonly user: UserId
  /** INDEX, as this peer's user may see and edit it. */
  readonly index: IndexClient
  readonly #home: Home
  readonly #driver: EndpointDriver
  readonly #others: Others
  readonly #messages: Messages
  readonly #calls: Calls
  /** Those that the application has not decided. */
  readonly #offers = new Map<TunnelId, Offer>()
  #presence: OwnPresence
  #state: PeerState = 'offline'
  #closing: Promise<void> | undefined

  /** Peers come from `join`. */
  constructor({ identity, home, account, presence, scatter, udp }: PeerParts) {
    super({ captureRejections: true })
    this.peer = identity.peer
    this.user = account.user
    this.index = account.index
    this.#home = home
    this.#presence = presence
    this.#driver = new EndpointDriver({
      identity,
      home,
      account,
      presence,
      scatter,
      udp,
      affair: (effect) => this.#perform(effect),
      fault: (error, input) => this.#broken(error, input),
    })
    const handle = (input: EndpointInput) => this.#driver.handle(input)
    this.#messages = new Messages({ home, handle, emit: (message) => this.emit('message', message) })
    this.#calls = new Calls({ handle, tunnels: this.#driver.tunnels })
    this.#others = new Others({
      self: identity.peer,
      account,
      handle,
      presence: (record) => this.emit('presence', record),
      failed: (error) => this.#fail(error),
    })
    const listened = () => queueMicrotask(() => this.#tellListening())
    ;(this as EventEmitter).on('newListener', listened).on('removeListener', listened)
    this.#driver.begin()
  }

  /** Whether it is online now. */
  get state(): PeerState {
    return this.#state
  }

  /** Whether its datagrams go through the gateway and relays' TLS, as UDP is dropped here or was not wanted. */
  get udpBlocked(): boolean {
    return this.#driver.isBlocked
  }

  /** Networks its user is a member of. */
  get networks(): NetworkId[] {
    return [...this.#others.networks]
  }

  /** Who is there now, as a list that keeps itself up to date, from the first time that it is asked for. */
  get roster(): Roster {
    return this.#others.roster
  }

  /**
   * Tells the others of its networks: `invisible` is shown to them as offline. What is not given stays as it is. Throws
   * `bad-request` (an argument), `too-large` (LIMITS) and `closed`.
   */
  status(status: OwnStatus, options: Partial<Pick<OwnPresence, 'custom' | 'metadata'>> = {}): void {
    this.#checkOpen()
    const { custom = this.#presence.custom, metadata = this.#presence.metadata } = taken(options)
    this.#presence = checkedPresence({ status, custom, metadata })
    this.#driver.handle({ kind: 'presence', presence: this.#presence })
  }

  /**
   * Peers of its networks, online or not: by a SCIM filter (RFC 7644 section 3.4.2.2) over `status`, `custom`, `user`,
   * `name`, `metadata.*` and `attributes.*`, or by id. `limit`: 1 to LIMITS.pageSize, 20 without.
   *
   * Waits for a session; rejects with `timeout` after 30 s without an answer, `closed` (`signal`, or this peer was closed),
   * `bad-request` with what is wrong with the filter or an argument, `too-large`.
   */
  async find(which: Which, options: FindOptions = {}): Promise<PresenceRecord[]> {
    this.#checkOpen()
    const { limit = FOUND_AT_ONCE, signal } = taken(options)
    checkInteger(limit, 'limit', 1, LIMITS.pageSize)
    checkSignal(signal)
    return this.#others.find(checkedWhich(which), limit, signal)
  }

  /**
   * Sends an instant message of at most LIMITS.messageBytes; to a user it goes to each of its peers. Resolves when it is
   * delivered, or stored until the recipient is back. What exceeds the node's allowance waits its turn.
   *
   * Waits while this peer is offline; rejects with `timeout` when the recipient is online and has not taken it for 30 s,
   * `closed` (`signal`, or this peer was closed), `unknown-peer`, `mailbox-full`, `too-large`, `bad-request`
   * (an argument). After `timeout` and `closed` it may still arrive.
   */
  async send(
    to: PeerId | UserId,
    body: string | Uint8Array,
    options: MessageOptions = {},
  ): Promise<Delivery> {
    this.#checkOpen()
    checkText(to, 'to')
    check(typeof body === 'string' || body instanceof Uint8Array, 'body', 'a text or a Uint8Array', body)
    if (typeof body === 'string') checkText(body, 'body')
    const { signal } = taken(options)
    checkSignal(signal)
    const bytes = Buffer.from(body as Uint8Array)
    if (bytes.length > LIMITS.messageBytes) {
      const detail = `\`body\` has at most ${LIMITS.messageBytes} bytes: use a tunnel for more.`
      throw new StraightwayError('too-large', detail)
    }
    if (isPeerId(to)) return this.#messages.send(to, bytes, signal)
    return this.#sendToUser(to as UserId, bytes, signal)
  }

  /**
   * A tunnel to another peer. Resolves when data can flow: over a relay within about a round trip, and from then on over
   * better paths as they open.
   *
   * Rejects with `refused` and the reason, `unknown-peer`, `peer-offline`, `unavailable`, `timeout` after
   * `timeoutMs`, `closed` (`signal`, or this peer was closed), `bad-request` and `too-large` (an argument).
   */
  async connect(peer: PeerId, options: ConnectOptions = {}): Promise<PeerSocket> {
    this.#checkOpen()
    checkPeer(peer, 'peer')
    const asked = taken(options)
    checkConnectOptions(asked)
    return this.#calls.connect(peer, asked)
  }

  /** The same as `on('offer', decide)`. Throws `bad-request` if `decide` is no function. */
  listen(decide: (offer: Offer) => void): this {
    check(typeof decide === 'function', 'decide', 'a function', decide)
    return this.on('offer', decide)
  }

  /**
   * Says goodbye: others see it go at once. Tunnels close; whatever still waits is rejected with `closed`. Resolves within
   * about 3 s, and never rejects.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** A listener that is async and fails, as one that accepts an offer and then finds no path. An undecided offer is refused. */
  [Symbol.for('nodejs.rejection')](error: unknown, _event: string, ...[given]: readonly unknown[]): void {
    if (given instanceof Offer && !given.decided) given.refuse(LISTENER_FAILED)
    this.#fail(error)
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new StraightwayError('closed', 'The peer was closed.')
  }

  async #sendToUser(user: UserId, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<Delivery> {
    const peers = await this.#others.find({ user }, LIMITS.pageSize, signal)
    const others = peers.filter(({ peer }) => peer !== this.peer)
    if (others.length === 0)
      throw new StraightwayError('unknown-peer', 'This user has no peer that shares a network with you.')
    return bestOf(
      await Promise.allSettled(others.map(({ peer }) => this.#messages.send(peer, bytes, signal))),
    )
  }

  async #close(): Promise<void> {
    this.#messages.close()
    this.#others.close()
    this.#calls.close()
    await this.#driver.close()
    this.#home.close()
  }

  #perform(effect: Affair): void {
    switch (effect.kind) {
      case 'online':
        this.#online()
        break
      case 'offline':
        this.#offline(effect.why)
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

  #tellListening(): void {
    const [messages, offers] = [this.listenerCount('message') > 0, this.listenerCount('offer') > 0]
    this.#driver.handle({ kind: 'listening', messages, offers })
  }

  #online(): void {
    this.#state = 'online'
    this.#others.learn()
    this.emit('state', 'online', undefined)
  }

  #offline(why: OfflineReason): void {
    if (this.#state === 'online' && this.#closing === undefined) this.#others.lost()
    this.#state = 'offline'
    this.emit('state', 'offline', why)
  }

  #changed(change: Change): void {
    if (this.#others.changed(change)) this.emit('change', change)
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
      if (!this.emit('offer', offer)) offer.refuse('not-listening')
    } catch (error) {
      if (!offer.decided) offer.refuse(LISTENER_FAILED)
      process.nextTick(() => {
        throw error
      })
    }
  }

  /** A bug: what the endpoint failed at has no effect any more, so whoever waits for it is told. */
  #broken(error: unknown, input: EndpointInput | undefined): void {
    const told = new StraightwayError('internal', `${error}`, { cause: error })
    if (input !== undefined) {
      this.#messages.broken(input, told)
      this.#calls.broken(input, told)
      this.#others.broken(input, told)
    }
    this.#fail(error)
  }

  #fail(error: unknown): void {
    if (this.#closing !== undefined) return
    const known = error instanceof StraightwayError
    const told = known ? error : new StraightwayError('internal', `${error}`, { cause: error })
    if (this.listenerCount('error') > 0) this.emit('error', told)
    else process.emitWarning(told)
  }
}

/** Delivered to one of them is delivered; an error only where all refused. */
function bestOf(sent: readonly PromiseSettledResult<Delivery>[]): Delivery {
  const outcomes = sent.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  if (outcomes.length > 0) return outcomes.includes('delivered') ? 'delivered' : 'stored'
  throw (sent[0] as PromiseRejectedResult).reason
}
