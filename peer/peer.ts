/**
 * A peer of one or more networks. While it is online it has a session at a CHECKPOINT, and the other peers of its
 * networks can find it and reach it. It stays online by itself: when a session ends it signs in again, at another node
 * if necessary, and it renews its ticket before the ticket expires. Requests made while it is offline wait for the next
 * session.
 */
import { EventEmitter } from 'node:events'
import { check, checkInteger, checkPeer, checkSignal, checkText, taken } from '../shared/arguments.ts'
import type { EndpointInput, OfflineReason, OwnPresence } from '../shared/core/peer/events.ts'
import type { Identity } from '../shared/crypto/identity.ts'
import { StraightwayError } from '../shared/errors.ts'
import { isPeerId, type NetworkId, type PeerId, type TunnelId, type UserId } from '../shared/ids.ts'
import { LIMITS } from '../shared/limits.ts'
import type { PresenceRecord } from '../shared/presence-record.ts'
import type { IndexClient } from '../shared/rest-client/index-client.ts'
import { formatIp } from '../shared/wire/address.ts'
import type { Change, OwnStatus } from '../shared/wire/presence.ts'
import type { Account } from './account.ts'
import { Calls, type ConnectOptions, checkConnectOptions } from './calls.ts'
import { type Affair, EndpointDriver } from './endpoint-driver.ts'
import type { Home } from './home/home.ts'
import { type Delivery, Messages } from './messages.ts'
import { type AcceptOptions, type HeardOffer, Offer } from './offer.ts'
import { Others } from './others.ts'
import { checkedPresence } from './own-presence.ts'
import type { PeerEvents, PeerState } from './peer-events.ts'
import type { PeerSocket } from './peer-socket.ts'
import type { Roster } from './roster.ts'
import { checkedWhich, type Which } from './which.ts'

const FOUND_AT_ONCE = 20
/** Refusal reason sent to the other peer if an `offer` listener throws before it decides. */
const LISTENER_FAILED = 'listener-failed'

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

/** Internal: the parts that `join` makes a peer from. */
export interface PeerParts {
  readonly identity: Identity
  readonly home: Home
  readonly account: Account
  readonly presence: OwnPresence
  readonly scatter: boolean
  /** False if UDP must never be used. */
  readonly udp: boolean
}

/** A peer of this process. `join` resolves with it once it is online; `state` says whether it still is. */
export class Peer extends EventEmitter<PeerEvents> {
  /** Id of the peer, which is its public key. */
  readonly peer: PeerId
  /** The user that the peer belongs to. */
  readonly user: UserId
  /** Client for INDEX, with the permissions of this peer's user. */
  readonly index: IndexClient
  readonly #home: Home
  readonly #driver: EndpointDriver
  readonly #others: Others
  readonly #messages: Messages
  readonly #calls: Calls
  /** Offers that the application has not decided yet. */
  readonly #offers = new Map<TunnelId, Offer>()
  #presence: OwnPresence
  #state: PeerState = 'offline'
  #closing: Promise<void> | undefined

  /** Internal: applications get a peer from `join`. */
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

  /** Whether the peer is online now. */
  get state(): PeerState {
    return this.#state
  }

  /** True if datagrams travel through the gateway and over TLS to relays, because the network drops UDP or `udp` was false. */
  get udpBlocked(): boolean {
    return this.#driver.isBlocked
  }

  /** The networks that this peer's user is a member of. */
  get networks(): NetworkId[] {
    return [...this.#others.networks]
  }

  /** Live list of the peers of its networks that are not offline. The first access starts it. */
  get roster(): Roster {
    return this.#others.roster
  }

  /**
   * Sets the status, custom text and metadata that the other peers of its networks see. They see `invisible` as
   * offline. An option that is not given keeps its value. Throws `bad-request` (invalid argument), `too-large` (exceeds
   * LIMITS) and `closed`.
   */
  status(status: OwnStatus, options: Partial<Pick<OwnPresence, 'custom' | 'metadata'>> = {}): void {
    this.#checkOpen()
    const { custom = this.#presence.custom, metadata = this.#presence.metadata } = taken(options)
    this.#presence = checkedPresence({ status, custom, metadata })
    this.#driver.handle({ kind: 'presence', presence: this.#presence })
  }

  /**
   * Finds peers of its networks, online or offline, by id or by a SCIM filter (RFC 7644 section 3.4.2.2). A filter may
   * use `status`, `custom`, `user`, `name`, `metadata.*` and `attributes.*`. `limit`: 1 to LIMITS.pageSize, default 20.
   *
   * Waits for a session if the peer is offline. Rejects with:
   *
   * - `timeout`: no answer within 30 s
   * - `closed`: `signal` aborted, or this peer was closed
   * - `bad-request`: an invalid filter or argument; the message says what is wrong
   * - `too-large`: the filter exceeds LIMITS.filterBytes
   */
  async find(which: Which, options: FindOptions = {}): Promise<PresenceRecord[]> {
    this.#checkOpen()
    const { limit = FOUND_AT_ONCE, signal } = taken(options)
    checkInteger(limit, 'limit', 1, LIMITS.pageSize)
    checkSignal(signal)
    return this.#others.find(checkedWhich(which), limit, signal)
  }

  /**
   * Sends an instant message of at most LIMITS.messageBytes. A message to a user goes to each of the user's peers.
   * Resolves when the message is delivered, or stored until the recipient is back. Messages above the node's rate limit
   * are queued and sent later.
   *
   * Waits while this peer is offline. Rejects with:
   *
   * - `timeout`: the recipient is online and did not acknowledge the message within 30 s
   * - `closed`: `signal` aborted, or this peer was closed
   * - `unknown-peer`: no such peer, or none that shares a network with this one
   * - `mailbox-full`: the recipient is offline and its mailbox is full
   * - `unreadable`: the recipient could not open the message: it was changed on the way, or the key for it was lost
   * - `too-large`, `bad-request`: an invalid argument
   *
   * After `timeout` or `closed` the message may still arrive.
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
   * Opens a tunnel to another peer. Resolves when data can flow: over a relay within about one round trip after the
   * other side accepts. The tunnel then moves to better paths as they open. Offers above the rate limit are sent later.
   *
   * Rejects with:
   *
   * - `refused`: the other side refused; the message is its reason
   * - `unknown-peer`: no such peer, or none that shares a network with this one
   * - `peer-offline`: the other peer is not online
   * - `forbidden`: a shared network does not allow tunnels
   * - `unavailable`: no HANDSHAKE is running, or the system gives no UDP port
   * - `timeout`: no tunnel within `timeoutMs`, or no path
   * - `closed`: `signal` aborted, or either side closed
   * - `bad-request`, `too-large`: an invalid argument
   */
  async connect(peer: PeerId, options: ConnectOptions = {}): Promise<PeerSocket> {
    this.#checkOpen()
    checkPeer(peer, 'peer')
    const asked = taken(options)
    checkConnectOptions(asked)
    return this.#calls.connect(peer, asked)
  }

  /** Adds a listener for offers, as `on('offer', decide)` does. Throws `bad-request` if `decide` is not a function. */
  listen(decide: (offer: Offer) => void): this {
    check(typeof decide === 'function', 'decide', 'a function', decide)
    return this.on('offer', decide)
  }

  /**
   * Closes the peer. It signs out, so the other peers see it go immediately. Its tunnels close, and pending promises
   * reject with `closed`. Resolves within about 3 s and never rejects.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Calls `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /**
   * Handles the rejection of an async listener, such as one that accepts an offer and then finds no path. If the offer
   * is still undecided, it is refused.
   */
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
      case 'address':
        this.emit('address', formatIp(effect.address.words))
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

  /**
   * Handles a bug: the endpoint threw while it handled `input`. The input then has no effect, so a promise that waits
   * for its outcome is rejected here.
   */
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

/** Combines the outcomes of a message to several peers: the best delivery, or an error only if every peer refused. */
function bestOf(sent: readonly PromiseSettledResult<Delivery>[]): Delivery {
  const outcomes = sent.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  if (outcomes.length > 0) return outcomes.includes('delivered') ? 'delivered' : 'stored'
  throw (sent[0] as PromiseRejectedResult).reason
}
