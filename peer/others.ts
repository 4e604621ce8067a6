/**
 * What a peer knows of the others: what was last heard of them, and which networks it shares with them. Whenever it comes
 * online it reads from INDEX who there is; while it is offline it cannot know, and everybody who was there is `unknown`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { EndpointEffect, EndpointInput } from '../shared/core/peer/events.ts'
import { StraightwayError } from '../shared/errors.ts'
import type { NetworkId, PeerId, UserId } from '../shared/ids.ts'
import { LIMITS } from '../shared/limits.ts'
import type { PresenceRecord } from '../shared/presence.ts'
import type { PeerRecord } from '../shared/resources.ts'
import type { Change } from '../shared/wire/presence.ts'
import type { Account } from './account.ts'
import { check, checkPeer, checkText } from './arguments.ts'
import { Pending, stoppable } from './pending.ts'

/** Others that are remembered; the one heard of longest ago is forgotten first. */
const MAX_KNOWN = 10_000
/** How many of the others are read from INDEX when we come online: the rest is heard of as it changes. */
const LEARNT_PAGES = 5
/** An offer does not wait longer to be told whose peer it came from. */
const WHOSE_MS = 1000

/** By a SCIM filter, or by id. */
export type Which = string | { readonly peer: PeerId } | { readonly user: UserId }

/** Throws `bad-request` or `too-large`. */
export function checkedWhich(which: Which): Which {
  if (typeof which === 'object' && which !== null && 'peer' in which) checkPeer(which.peer, 'peer')
  else if (typeof which === 'object' && which !== null && 'user' in which) checkText(which.user, 'user')
  else {
    check(typeof which === 'string', 'which', 'a filter, `{ peer }` or `{ user }`', which)
    checkText(which, 'which', LIMITS.filterBytes)
  }
  return which
}

export interface OthersOptions {
  readonly self: PeerId
  readonly account: Account
  readonly handle: (input: EndpointInput) => void
  readonly presence: (record: PresenceRecord) => void
}

export class Others {
  readonly networks: Set<NetworkId>
  readonly #options: OthersOptions
  readonly #finds = new Pending<PresenceRecord[]>()
  readonly #known = new Map<PeerId, PresenceRecord>()

  constructor(options: OthersOptions) {
    this.#options = options
    this.networks = new Set(options.account.networks)
  }

  async find(which: Which, limit: number, signal?: AbortSignal): Promise<PresenceRecord[]> {
    if (typeof which !== 'string' && 'peer' in which) return stoppable(this.#byId(which.peer), signal)
    const filter = typeof which === 'string' ? which : `user eq ${JSON.stringify(which.user)}`
    if (Buffer.byteLength(filter) > LIMITS.filterBytes)
      throw new StraightwayError('too-large', `A filter has at most ${LIMITS.filterBytes} bytes.`)
    const forget = (id: number) => this.#options.handle({ kind: 'forget', what: 'find', id })
    const { id, answer } = this.#finds.open(signal, forget)
    this.#options.handle({ kind: 'find', id, filter, limit })
    return answer
  }

  found({ id, records, error }: Extract<EndpointEffect, { kind: 'found' }>): void {
    for (const record of records) this.#remember(record)
    if (error === '') this.#finds.resolve(id, [...records])
    else this.#finds.reject(id, new StraightwayError('bad-request', error))
  }

  unanswered(id: number): void {
    const detail = 'No answer for 30 s: `state` says whether this peer is online.'
    this.#finds.reject(id, new StraightwayError('timeout', detail))
  }

  heard(record: PresenceRecord): void {
    this.#remember(record)
    this.#options.presence(record)
  }

  changed(change: Change): void {
    if (change.kind !== 'membership' || change.user !== this.#options.account.user) return
    if (change.role === null) this.networks.delete(change.network)
    else this.networks.add(change.network)
  }

  /** Whose peer it is; undefined where INDEX does not say, or not soon. */
  async userOf(peer: PeerId): Promise<UserId | undefined> {
    const known = this.#known.get(peer)
    if (known !== undefined) return known.user
    const asked = this.#byId(peer).catch(() => [])
    const [found] = await Promise.race([asked, sleep(WHOSE_MS, [], { ref: false })])
    return found?.user
  }

  lost(): void {
    for (const record of this.#known.values()) {
      if (record.status !== 'offline' && record.status !== 'unknown')
        this.heard({ ...record, status: 'unknown' })
    }
  }

  /** Reads who there is; those who were `unknown` are told. */
  async learn(): Promise<void> {
    let cursor: string | undefined
    for (let page = 0; page < LEARNT_PAGES; page++) {
      const query = { limit: LIMITS.pageSize, ...(cursor !== undefined && { cursor }) }
      const listed = await this.#options.account.index.peers.list(query)
      for (const each of listed.items) this.#learnt(recordOf(each))
      cursor = listed.cursor
      if (cursor === undefined) return
    }
  }

  /** The endpoint failed at it. */
  broken(input: EndpointInput, error: StraightwayError): void {
    if (input.kind === 'find') this.#finds.reject(input.id, error)
  }

  close(): void {
    this.#finds.close()
  }

  /** What was heard since is newer. */
  #learnt(record: PresenceRecord): void {
    if (record.peer === this.#options.self) return
    const known = this.#known.get(record.peer)
    if (known?.status === 'unknown') this.heard(record)
    else if (known === undefined) this.#remember(record)
  }

  async #byId(peer: PeerId): Promise<PresenceRecord[]> {
    try {
      const record = recordOf(await this.#options.account.index.peers.get(peer))
      this.#remember(record)
      return [record]
    } catch (error) {
      if (error instanceof StraightwayError && error.code === 'unknown-peer') return []
      throw error
    }
  }

  #remember(record: PresenceRecord): void {
    this.#known.delete(record.peer)
    this.#known.set(record.peer, record)
    if (this.#known.size > MAX_KNOWN) this.#known.delete(this.#known.keys().next().value!)
  }
}

const recordOf = ({ peer, user, presence }: PeerRecord): PresenceRecord => ({ peer, user, ...presence })
