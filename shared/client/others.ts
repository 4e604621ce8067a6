/**
 * The other peers that this peer knows: their last presence, their names, and the networks they share. It reads the
 * peers from INDEX whenever this peer comes online or a membership changes. While this peer is offline, every peer that
 * was online is `unknown`. Records are delivered with their names, in the order in which they were heard.
 */
import type { EndpointEffect, EndpointInput } from '../core/peer/events.ts'
import { StraightwayError } from '../errors.ts'
import type { NetworkId, PeerId, UserId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import type { PresenceRecord as Presence } from '../presence.ts'
import type { PresenceRecord } from '../presence-record.ts'
import type { PeerRecord, UserDetails } from '../resources.ts'
import type { Change } from '../wire/presence.ts'
import type { Account } from './account.ts'
import { Names } from './names.ts'
import { later, pause } from './pause.ts'
import { Pending, stoppable } from './pending.ts'
import type { RosterSource, RosterTold } from './roster-records.ts'
import { Telling } from './telling.ts'
import { filterOf, type Which } from './which.ts'

/** Peers that are remembered. The one that was heard of longest ago is forgotten first. */
const MOST_KNOWN = 10_000
/** Pages of peers that are read from INDEX: a few, or all that can be remembered if the application uses the roster. */
const FEW_PAGES = 5
const ALL_PAGES = MOST_KNOWN / LIMITS.pageSize
/** Backoff after INDEX did not answer: the wait starts here and doubles each time. */
const FIRST_AGAIN_MS = 1000
const LONGEST_AGAIN_MS = 60_000
/** Longest time that an offer waits to learn its sender's user. */
const WHOSE_MS = 1000

export interface OthersOptions<R> {
  readonly self: PeerId
  readonly account: Account
  readonly handle: (input: EndpointInput) => void
  readonly presence: (record: PresenceRecord) => void
  /** An async listener of the roster rejected. */
  readonly failed: (error: unknown) => void
  readonly roster: (source: RosterSource) => R
}

export class Others<R> {
  readonly networks: Set<NetworkId>
  readonly #options: OthersOptions<R>
  readonly #finds = new Pending<PresenceRecord[]>()
  readonly #known = new Map<PeerId, Presence>()
  readonly #names: Names
  #roster: R | undefined
  #told: RosterTold | undefined
  readonly #telling: Telling
  /** The current or last read of the peers; undefined before the first one and after one that failed. */
  #reading: Promise<void> | undefined
  #isReading = false
  #readAgain = false
  #again: ReturnType<typeof setTimeout> | undefined
  #againMs = FIRST_AGAIN_MS
  readonly #closed = new AbortController()

  constructor(options: OthersOptions<R>) {
    this.#options = options
    this.#names = new Names(options.account.index)
    this.#telling = new Telling(this.#names)
    this.networks = new Set(options.account.networks)
  }

  /** The roster. The first access creates it and keeps it up to date from then on. */
  get roster(): R {
    this.#roster ??= this.#makeRoster()
    return this.#roster
  }

  async find(which: Which, limit: number, signal?: AbortSignal): Promise<PresenceRecord[]> {
    if (typeof which !== 'string' && 'peer' in which) {
      const either = AbortSignal.any([this.#closed.signal, ...(signal ? [signal] : [])])
      return stoppable(this.#byId(which.peer), either)
    }
    const filter = filterOf(which)
    const forget = (id: number) => this.#options.handle({ kind: 'forget', what: 'find', id })
    const { id, answer } = this.#finds.open(signal, forget)
    this.#options.handle({ kind: 'find', id, filter, limit })
    return answer
  }

  found({ id, records, error }: Extract<EndpointEffect, { kind: 'found' }>): void {
    for (const record of records) this.#remember(record)
    if (error !== '') this.#finds.reject(id, new StraightwayError('bad-request', error))
    else void this.#named(records).then((named) => this.#finds.resolve(id, named))
  }

  unanswered(id: number): void {
    const detail = 'No answer for 30 s: `state` says whether this peer is online.'
    this.#finds.reject(id, new StraightwayError('timeout', detail))
  }

  heard(record: Presence): void {
    this.#remember(record)
    this.#telling.tell(record, (named) => {
      this.#told?.heard(named)
      this.#options.presence(named)
    })
  }

  /** Applies a change. Returns true if the application should hear of it; it should not hear of this peer's own enrolment. */
  changed(change: Change): boolean {
    const isNews = !this.#isOwnBeginning(change)
    if (change.kind !== 'membership') {
      if (this.#names.changed(change)) this.#renamed(change.id)
    } else if (isNews) this.#membershipChanged(change)
    return isNews
  }

  /** The user of a peer; undefined if INDEX does not tell within WHOSE_MS. */
  async userOf(peer: PeerId): Promise<UserId | undefined> {
    const known = this.#known.get(peer)
    if (known !== undefined) return known.user
    const asked = this.#read(peer).catch(() => undefined)
    const found = await Promise.race([asked, pause(WHOSE_MS)])
    return found?.user
  }

  lost(): void {
    clearTimeout(this.#again)
    for (const record of this.#known.values()) {
      if (isThere(record)) this.heard({ ...record, status: 'unknown' })
    }
  }

  /** Reads the peers from INDEX. Reports those that changed, and those whose status was `unknown`. */
  learn(): void {
    if (this.#isReading) this.#readAgain = true
    else this.#begin().catch(() => {})
  }

  /** Rejects the promise of an input at which the endpoint threw. */
  broken(input: EndpointInput, error: StraightwayError): void {
    if (input.kind === 'find') this.#finds.reject(input.id, error)
  }

  close(): void {
    this.#finds.close()
    this.#telling.close()
    clearTimeout(this.#again)
    this.#closed.abort()
  }

  #makeRoster(): R {
    const roster = this.#options.roster({
      read: (signal) => this.#ready(signal),
      failed: this.#options.failed,
      attach: (tell) => {
        this.#told = tell
      },
    })
    for (const record of this.#known.values()) this.#tellRoster(record)
    this.learn()
    return roster
  }

  async #ready(signal: AbortSignal | undefined): Promise<void> {
    const either = AbortSignal.any([this.#closed.signal, ...(signal ? [signal] : [])])
    const read = async () => {
      await (this.#reading ?? this.#begin())
      await this.#telling.settled()
    }
    await stoppable(read(), either)
  }

  #isOwnBeginning(change: Change): boolean {
    if (!change.isNew) return false
    const { self, account } = this.#options
    if (change.kind === 'membership') return change.user === account.user && this.networks.has(change.network)
    return change.id === self || change.id === account.user
  }

  /**
   * Applies a membership change. A change of our own decides which peers may be seen. If another user left a network,
   * asks INDEX whether that user's peers still share another network with us.
   */
  #membershipChanged({ user, network, role }: Extract<Change, { kind: 'membership' }>): void {
    if (user === this.#options.account.user) {
      if (role === null) this.networks.delete(network)
      else this.networks.add(network)
      this.learn()
    } else if (role === null) {
      for (const record of this.#known.values()) if (record.user === user) void this.#checkShared(record)
    }
  }

  /** Starts a read. A change during the read causes another read. */
  #begin(): Promise<void> {
    const reading = this.#learn().finally(() => {
      if (!this.#readAgain) return
      this.#readAgain = false
      this.learn()
    })
    this.#reading = reading
    reading.catch(() => {
      if (this.#reading === reading) this.#reading = undefined
      this.#beginLater()
    })
    return reading
  }

  /** Schedules the next attempt, with jitter: many peers may have lost INDEX at the same moment. */
  #beginLater(): void {
    if (this.#closed.signal.aborted) return
    clearTimeout(this.#again)
    this.#again = later(() => this.learn(), this.#againMs * (0.75 + Math.random() / 2))
    this.#againMs = Math.min(this.#againMs * 2, LONGEST_AGAIN_MS)
  }

  async #learn(): Promise<void> {
    this.#isReading = true
    try {
      await this.#readNetworks()
      const before = [...this.#known.values()]
      const there = new Set<PeerId>()
      const isWhole = await this.#readPages(there)
      if (isWhole) for (const each of before) if (!there.has(each.peer)) await this.#checkShared(each)
      this.#againMs = FIRST_AGAIN_MS
    } finally {
      this.#isReading = false
    }
  }

  /** Reads our own networks, because changes of our memberships may have been missed. */
  async #readNetworks(): Promise<void> {
    const { account } = this.#options
    const { networks } = (await account.index.users.get(account.user)) as Partial<UserDetails>
    if (networks === undefined) return
    this.networks.clear()
    for (const network of networks) this.networks.add(network)
  }

  /** Reads pages of peers. Returns false if there are more than it may read. */
  async #readPages(there: Set<PeerId>): Promise<boolean> {
    const pages = this.#roster === undefined ? FEW_PAGES : ALL_PAGES
    let cursor: string | undefined
    for (let page = 0; page < pages; page++) {
      const query = { limit: LIMITS.pageSize, ...(cursor !== undefined && { cursor }) }
      const listed = await this.#options.account.index.peers.list(query)
      await this.#learnUsers(listed.items)
      for (const each of listed.items) {
        there.add(each.peer)
        this.#names.learn(each.peer, each.name)
        this.#learnt(recordOf(each))
      }
      cursor = listed.cursor
      if (cursor === undefined) return true
    }
    return false
  }

  /** Learns the names of many users with one request, if at least two are unknown. */
  async #learnUsers(peers: readonly PeerRecord[]): Promise<void> {
    const unknown = new Set(peers.map(({ user }) => user).filter((user) => !this.#names.isKnown(user)))
    if (unknown.size < 2) return
    const { items } = await this.#options.account.index.users.list({ limit: LIMITS.pageSize })
    for (const { user, name } of items) this.#names.learn(user, name)
  }

  /** Takes a record from a listing. A record that was heard in the meantime is newer and stays. */
  #learnt(record: Presence): void {
    if (record.peer === this.#options.self) return
    const known = this.#known.get(record.peer)
    if (known === undefined) {
      this.#remember(record)
      this.#tellRoster(record)
    } else if (known.status === 'unknown' || isNewer(record, known)) this.heard(record)
    else this.#tellRoster(known)
  }

  /** Forgets a peer if INDEX no longer shows it. Asks for the peer itself, as a listing may lack one that came just now. */
  async #checkShared(record: Presence): Promise<void> {
    const isShown = await this.#read(record.peer).catch(() => record)
    if (isShown !== undefined) return
    this.#known.delete(record.peer)
    this.#tellGone(record)
  }

  #renamed(id: string): void {
    for (const record of this.#known.values())
      if (record.peer === id || record.user === id) this.#tellRoster(record)
  }

  #tellRoster(record: Presence): void {
    if (this.#told !== undefined) this.#telling.tell(record, (named) => this.#told?.heard(named))
  }

  #tellGone(record: Presence): void {
    if (this.#told !== undefined) this.#telling.tell(record, ({ peer }) => this.#told?.gone(peer))
  }

  async #byId(peer: PeerId): Promise<PresenceRecord[]> {
    const record = await this.#read(peer)
    return record === undefined ? [] : this.#named([record])
  }

  /** Reads one peer from INDEX; undefined if INDEX does not know it. */
  async #read(peer: PeerId): Promise<Presence | undefined> {
    try {
      const read = await this.#options.account.index.peers.get(peer)
      this.#names.learn(peer, read.name)
      const record = recordOf(read)
      this.#remember(record)
      return record
    } catch (error) {
      if (error instanceof StraightwayError && error.code === 'unknown-peer') return undefined
      throw error
    }
  }

  #named(records: readonly Presence[]): Promise<PresenceRecord[]> {
    return Promise.all(records.map((record) => this.#names.of(record)))
  }

  #remember(record: Presence): void {
    this.#known.delete(record.peer)
    this.#known.set(record.peer, record)
    if (this.#known.size <= MOST_KNOWN) return
    const oldest = this.#known.values().next().value!
    this.#known.delete(oldest.peer)
    this.#tellGone(oldest)
  }
}

const recordOf = ({ peer, user, presence }: PeerRecord): Presence => ({ peer, user, ...presence })
const isThere = ({ status }: Presence): boolean => status !== 'offline' && status !== 'unknown'
const isNewer = (one: Presence, other: Presence): boolean =>
  one.since > other.since || (one.since === other.since && one.version > other.version)
