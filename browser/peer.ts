import { check } from '../shared/arguments.ts'
import type { Account } from '../shared/client/account.ts'
import { Client, type FindOptions, type MessageOptions } from '../shared/client/client.ts'
import type { Home } from '../shared/client/home.ts'
import type { Delivery, Message } from '../shared/client/messages.ts'
import type { Offer as OfferOf } from '../shared/client/offer.ts'
import type { ClientEvents, PeerState } from '../shared/client/peer-events.ts'
import type { Which } from '../shared/client/which.ts'
import type { OwnPresence } from '../shared/core/peer/events.ts'
import type { Identity } from '../shared/crypto/identity.ts'
import type { NetworkId, PeerId, UserId } from '../shared/ids.ts'
import type { PresenceRecord } from '../shared/presence-record.ts'
import type { IndexClient } from '../shared/rest-client/index-client.ts'
import type { OwnStatus } from '../shared/wire/presence.ts'
import { Driver } from './driver.ts'
import { Emitter } from './emitter.ts'
import { Roster } from './roster.ts'

/** A request of another peer for a tunnel. A browser can only refuse it yet. An undecided one is refused after 30 s. */
export type Offer = Omit<OfferOf<never>, 'accept'>

/** Events of a peer, with the arguments of their listeners. */
export interface PeerEvents extends Omit<ClientEvents<Message, never>, 'offer'> {
  /** Another peer wants a tunnel. Without a listener the offer is refused with the reason `not-listening`. */
  offer: [offer: Offer]
}

/** Internal: the parts that `join` makes a peer from. */
export interface PeerParts {
  readonly identity: Identity
  readonly home: Home
  readonly account: Account
  readonly presence: OwnPresence
}

/** A peer of this page. `join` resolves with it once it is online; `state` says whether it still is. */
export class Peer extends Emitter<PeerEvents> {
  /** Id of the peer, which is its public key. */
  readonly peer: PeerId
  /** The user that the peer belongs to. */
  readonly user: UserId
  /** Client for INDEX, with the permissions of this peer's user. */
  readonly index: IndexClient
  readonly #home: Home
  readonly #driver: Driver
  readonly #client: Client<never, Roster>
  #closing: Promise<void> | undefined

  /** Internal: applications get a peer from `join`. */
  constructor({ identity, home, account, presence }: PeerParts) {
    super({
      rejected: (error, given) => this.#client.rejected(error, given),
      listened: () => this.#client.listened(),
    })
    const { peer } = identity
    this.peer = peer
    this.user = account.user
    this.index = account.index
    this.#home = home
    this.#driver = new Driver({
      ...{ identity, home, account, presence },
      affair: (effect) => this.#client.perform(effect),
      fault: (error, input) => this.#client.broken(error, input),
    })
    this.#client = new Client<never, Roster>({
      ...{ self: peer, home, account, presence },
      handle: (input) => this.#driver.handle(input),
      socketOf: () => {
        throw new TypeError('a browser opens no tunnel')
      },
      roster: (source) => new Roster(source),
      emit: (event, ...told) => this.emit(event, ...(told as PeerEvents[typeof event])),
      listeners: (event) => this.listenerCount(event),
      warn: (error) => console.warn(error),
    })
    this.#driver.begin()
  }

  /** True if the peer is online now. */
  get state(): PeerState {
    return this.#client.state
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
   * Waits for a session if the peer is offline. Rejects with `timeout` (no answer within 30 s), `closed`,
   * `bad-request` (the message says what is wrong with the filter) and `too-large`.
   */
  async find(which: Which, options: FindOptions = {}): Promise<PresenceRecord[]> {
    return this.#client.find(which, options)
  }

  /**
   * Sends an instant message of at most LIMITS.messageBytes, sealed end to end. A message to a user goes to each of the
   * user's peers. Resolves when the message is delivered, or stored until the recipient is back.
   *
   * Waits while this peer is offline. Rejects with `timeout` (the recipient is online and did not acknowledge it within
   * 30 s), `closed`, `unknown-peer`, `mailbox-full`, `unreadable`, `too-large` and `bad-request`. After `timeout` or
   * `closed` the message may still arrive.
   */
  async send(
    to: PeerId | UserId,
    body: string | Uint8Array,
    options: MessageOptions = {},
  ): Promise<Delivery> {
    return this.#client.send(to, body, options)
  }

  /** Adds a listener for offers, as `on('offer', decide)` does. Throws `bad-request` if `decide` is not a function. */
  listen(decide: (offer: Offer) => void): this {
    check(typeof decide === 'function', 'decide', 'a function', decide)
    return this.on('offer', decide)
  }

  /**
   * Closes the peer. It signs out, so the other peers see it go immediately. Pending promises reject with `closed`.
   * Never rejects.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Calls `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#client.close()
    this.#driver.close()
    this.#home.close()
  }
}
