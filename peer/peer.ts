/**
 * A peer of one or more networks. While it is online it has a session at a CHECKPOINT, and the other peers of its
 * networks can find it and reach it. It stays online by itself: when a session ends it signs in again, at another node
 * if necessary, and it renews its ticket before the ticket expires. Requests made while it is offline wait for the next
 * session.
 */
import { EventEmitter } from 'node:events'
import { check } from '../shared/arguments.ts'
import type { Account } from '../shared/client/account.ts'
import type { ConnectOptions } from '../shared/client/calls.ts'
import { Client, type FindOptions, type MessageOptions } from '../shared/client/client.ts'
import type { Home } from '../shared/client/home.ts'
import type { Delivery, Message as Told } from '../shared/client/messages.ts'
import type { Offer as OfferOf } from '../shared/client/offer.ts'
import type { ClientEvents, PeerState } from '../shared/client/peer-events.ts'
import type { Which } from '../shared/client/which.ts'
import type { EndpointInput, OwnPresence } from '../shared/core/peer/events.ts'
import type { Identity } from '../shared/crypto/identity.ts'
import type { NetworkId, PeerId, UserId } from '../shared/ids.ts'
import type { PresenceRecord } from '../shared/presence-record.ts'
import type { IndexClient } from '../shared/rest-client/index-client.ts'
import type { OwnStatus } from '../shared/wire/presence.ts'
import { EndpointDriver } from './endpoint-driver.ts'
import { PeerSocket } from './peer-socket.ts'
import { Roster } from './roster.ts'

/** A message from another peer. Each message arrives once, and in the order in which its sender sent it. */
export interface Message extends Told {
  readonly body: Buffer
}

/** A request of another peer for a tunnel. Accept or refuse it once, within 30 s. */
export type Offer = OfferOf<PeerSocket>

/** Events of a peer, with the arguments of their listeners. */
export interface PeerEvents extends ClientEvents<Message, PeerSocket> {}

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
  readonly #client: Client<PeerSocket, Roster>
  #closing: Promise<void> | undefined

  /** Internal: applications get a peer from `join`. */
  constructor({ identity, home, account, presence, scatter, udp }: PeerParts) {
    super({ captureRejections: true })
    this.peer = identity.peer
    this.user = account.user
    this.index = account.index
    this.#home = home
    this.#driver = new EndpointDriver({
      identity,
      home,
      account,
      presence,
      scatter,
      udp,
      affair: (effect) => this.#client.perform(effect),
      fault: (error, input) => this.#client.broken(error, input),
    })
    this.#client = new Client({
      self: identity.peer,
      home,
      account,
      presence,
      handle: (input: EndpointInput) => this.#driver.handle(input),
      socketOf: (tunnel, peer) => new PeerSocket(this.#driver.tunnels.add(tunnel, peer)),
      roster: (source) => new Roster(source),
      emit: (event, ...told) => this.#tell(event, told),
      listeners: (event) => this.listenerCount(event),
      warn: (error) => process.emitWarning(error),
    })
    const listened = () => this.#client.listened()
    ;(this as EventEmitter).on('newListener', listened).on('removeListener', listened)
    this.#driver.begin()
  }

  /** True if the peer is online now. */
  get state(): PeerState {
    return this.#client.state
  }

  /** True if datagrams travel through the gateway and over TLS to relays, because the network drops UDP or `udp` was false. */
  get udpBlocked(): boolean {
    return this.#driver.isBlocked
  }

  /** The networks that this peer's user is a member of. */
  get networks(): NetworkId[] {
    return [...this.#client.others.networks]
  }

  /** Live list of the peers of its networks that are not offline. The first access starts it. */
  get roster(): Roster {
    return this.#client.others.roster
  }

  /**
   * Sets the status, custom text and metadata that the other peers of its networks see. They see `invisible` as
   * offline. An option that is not given keeps its value. Throws `bad-request` (invalid argument), `too-large` (exceeds
   * LIMITS) and `closed`.
   */
  status(status: OwnStatus, options: Partial<Pick<OwnPresence, 'custom' | 'metadata'>> = {}): void {
    this.#client.status(status, options)
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
    return this.#client.find(which, options)
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
    return this.#client.send(to, body, options)
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
    return this.#client.connect(peer, options)
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

  /** Handles the rejection of an async listener. */
  [Symbol.for('nodejs.rejection')](error: unknown, _event: string, ...[given]: readonly unknown[]): void {
    this.#client.rejected(error, given)
  }

  async #close(): Promise<void> {
    this.#client.close()
    await this.#driver.close()
    this.#home.close()
  }

  #tell<E extends keyof PeerEvents>(event: E, told: ClientEvents<Told, PeerSocket>[E]): boolean {
    if (event !== 'message') return (this as EventEmitter).emit(event, ...told)
    const [message] = told as [Told]
    const { body } = message
    return this.emit('message', { ...message, body: Buffer.from(body.buffer, body.byteOffset, body.length) })
  }
}
