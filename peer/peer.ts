/**
 * A peer: online at a CHECKPOINT, found and reached by the others of its networks. It stays so by itself: it signs in
 * again, at another node, whenever it has to, and keeps its ticket fresh. What it was asked to send meanwhile waits.
 */
import { EventEmitter } from 'node:events'
import type { OfflineReason, OwnPresence, PeerInput } from '../shared/core/peer/events.ts'
import type { Identity } from '../shared/crypto/identity.ts'
import { StraightwayError } from '../shared/errors.ts'
import { isPeerId, type NetworkId, type PeerId, type UserId } from '../shared/ids.ts'
import { LIMITS } from '../shared/limits.ts'
import type { PresenceRecord } from '../shared/presence.ts'
import type { Change, OwnStatus } from '../shared/wire/presence.ts'
import type { Account } from './account.ts'
import { Carriage } from './carriage.ts'
import type { Home } from './home/home.ts'
import { type Delivery, Messages } from './messages.ts'
import { type AcceptOptions, type HeardOffer, Offer } from './offer.ts'
import { Others, type Which } from './others.ts'
import { checkedPresence } from './own-presence.ts'
import type { PeerEvents, PeerState } from './peer-events.ts'
import type { PeerSocket } from './peer-socket.ts'
import type { IndexClient } from './rest/index-client.ts'
import { type ConnectOptions, Tunnels } from './tunnels.ts'
import { type Affair, Upkeep } from './upkeep.ts'

const FOUND_AT_ONCE = 20

export interface PeerParts {
  readonly identity: Identity
  readonly home: Home
  readonly account: Account
  readonly presence: OwnPresence
  readonly scatter: boolean
  /** False: UDP is never used. */
  readonly udp: boolean
}

export class Peer extends EventEmitter<PeerEvents> {
  /** Its id: the public key. */
  readonly peer: PeerId
  /** Whose peer it is. */
  readonly user: UserId
  /** INDEX, as this peer's user may see and edit it. */
  readonly index: IndexClient
  readonly #home: Home
  readonly #upkeep: Upkeep
  readonly #others: Others
  readonly #messages: Messages
  readonly #tunnels: Tunnels
  #presence: OwnPresence
  #state: PeerState = 'offline'
  /** Before that, what is on the way has just been looked at. */
  #wasOnline = false
  #closing: Promise<void> | undefined

  /** Peers come from `join`. */
  constructor({ identity, home, account, presence, scatter, udp }: PeerParts) {
    super({ captureRejections: true })
    this.peer = identity.peer
    this.user = account.user
    this.index = account.index
    this.#home = home
    this.#presence = presence
    const handle = (input: PeerInput) => this.#upkeep.handle(input)
    const fault = (error: unknown) => this.#fail(error)
    const carriage = new Carriage(account, udp)
    this.#messages = new Messages({ home, handle, emit: (message) => this.emit('message', message) })
    this.#others = new Others({
      self: identity.peer,
      account,
      handle,
      presence: (record) => this.emit('presence', record),
    })
    this.#tunnels = new Tunnels({
      handle,
      stun: () => account.stun,
      scatter,
      carry: (receive) => carriage.tunnel(receive),
      udpBlocked: () => this.udpBlocked,
      fault,
    })
    this.#upkeep = new Upkeep({
      identity,
      home,
      account,
      presence,
      carriage,
      udp,
      fault,
      online: () => this.#online(),
      offline: (why) => this.#offline(why),
      affair: (effect) => this.#perform(effect),
      networkChanged: () => this.#tunnels.networkChanged(),
      blocked: (blocked) => this.#tunnels.setUdp(blocked),
    })
    this.#tunnels.prepare()
    const listened = (event: unknown) => event === 'message' && setImmediate(() => this.#messages.flush())
    ;(this as EventEmitter).on('newListener', listened)
  }

  get state(): PeerState {
    return this.#state
  }

  /** Whether its datagrams go through the gateway and relays' TLS, as UDP is dropped here or was not wanted. */
  get udpBlocked(): boolean {
    return this.#upkeep.isBlocked
  }

  /** Networks its user is a member of. */
  get networks(): NetworkId[] {
    return [...this.#others.networks]
  }

  /**
   * Tells the others of its networks: `invisible` is shown to them as offline. What is not given stays as it is. Throws
   * `too-large` where it exceeds LIMITS.
   */
  status(
    status: OwnStatus,
    { custom = this.#presence.custom, metadata = this.#presence.metadata }: Partial<OwnPresence> = {},
  ): void {
    this.#presence = checkedPresence({ status, custom, metadata })
    this.#upkeep.handle({ kind: 'presence', presence: this.#presence })
  }

  /**
   * Peers of its networks, online or not: by a SCIM filter (RFC 7644 section 3.4.2.2) over `status`, `custom`, `user`,
   * `name`, `metadata.*` and `attributes.*`, or by id. Rejects with `bad-request` and what is wrong with the filter.
   */
  find(which: Which, { limit = FOUND_AT_ONCE }: { readonly limit?: number } = {}): Promise<PresenceRecord[]> {
    return this.#others.find(which, limit)
  }

  /**
   * Sends an instant message of at most LIMITS.messageBytes; to a user it goes to each of its peers. Resolves when it is
   * delivered, or stored until the recipient is back; waits while this peer is offline. Rejects with `blocked`,
   * `unknown-peer`, `mailbox-full`, `too-large`, `rate-limited`.
   */
  async send(to: PeerId | UserId, body: string | Uint8Array): Promise<Delivery> {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    if (isPeerId(to)) return this.#messages.send(to, bytes)
    const peers = await this.find({ user: to as UserId }, { limit: LIMITS.pageSize })
    const others = peers.filter(({ peer }) => peer !== this.peer)
    if (others.length === 0)
      throw new StraightwayError('unknown-peer', 'This user has no peer that shares a network with you.')
    const sent = await Promise.allSettled(others.map(({ peer }) => this.#messages.send(peer, bytes)))
    return bestOf(sent)
  }

  /**
   * A tunnel to another peer. Resolves when data can flow: over a relay within about a round trip, and from then on over
   * better paths as they open. Rejects with `refused` and the reason, `blocked`, `unknown-peer`, `peer-offline`,
   * `timeout`, `unavailable`, and `closed` where `signal` stops it.
   */
  connect(peer: PeerId, options: ConnectOptions = {}): Promise<PeerSocket> {
    return this.#tunnels.connect(peer, options)
  }

  /** The same as `on('offer', decide)`. */
  listen(decide: (offer: Offer) => void): this {
    return this.on('offer', decide)
  }

  /** Says goodbye: others see it go at once. Tunnels close; messages without a receipt are rejected with `closed`. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** A listener that is async and fails, as one that accepts an offer and then finds no path. */
  [Symbol.for('nodejs.rejection')](error: unknown): void {
    this.#fail(error)
  }

  async #close(): Promise<void> {
    this.#messages.close()
    this.#others.close()
    await this.#tunnels.close()
    await this.#upkeep.close()
    this.#home.close()
  }

  #perform(effect: Affair): void {
    switch (effect.kind) {
      case 'message':
        this.#messages.arrived(effect)
        break
      case 'receipt':
        this.#messages.receipt(effect.id, effect.outcome)
        break
      case 'presence':
        this.#others.heard(effect.record)
        break
      case 'change':
        this.#changed(effect.change)
        break
      case 'found':
        this.#others.found(effect)
        break
      case 'offer':
        void this.#offered(effect)
        break
      case 'ringing':
        this.#tunnels.ringing(effect.ringing)
        break
      case 'agreed':
        this.#tunnels.agreed(effect.agreement)
        break
      case 'refused':
        this.#tunnels.refused(effect)
        break
      case 'rejoin':
        this.#tunnels.rejoin(effect.tunnel, effect.direction)
        break
    }
  }

  #online(): void {
    this.#state = 'online'
    if (this.#wasOnline) this.#tunnels.prepare()
    else this.#tunnels.prepared()
    this.#wasOnline = true
    this.#others.learn().catch(() => {})
    this.emit('state', 'online', undefined)
  }

  #offline(why: OfflineReason): void {
    if (this.#state === 'online') this.#others.lost()
    this.#state = 'offline'
    this.emit('state', 'offline', why)
  }

  #changed(change: Change): void {
    this.#others.changed(change)
    this.emit('change', change)
  }

  async #offered(heard: HeardOffer): Promise<void> {
    const refuse = (reason: string) => this.#tunnels.refuse(heard.tunnel, reason)
    if (this.listenerCount('offer') === 0) {
      refuse('not-listening')
      return
    }
    const user = await this.#others.userOf(heard.from)
    const accept = (options: AcceptOptions) => this.#tunnels.accept(heard, options)
    this.emit('offer', new Offer(heard, user, { accept, refuse }))
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
