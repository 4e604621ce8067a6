/**
 * One side of a tunnel at a HANDSHAKE. A JOIN creates a *pending* session. It becomes *the* session when the first
 * datagram opens under its keys, which proves the address and that the JOIN was no replay.
 *
 * If the grant proves that its holder is at the IP of the JOIN, the session is used immediately. It stays pending as
 * well, because its answer may have been lost.
 *
 * A repeated JOIN is answered with the same keys, but from another address with other keys: so the keys tell which
 * address received the answer. A JOIN that was superseded is refused.
 */
import { Channel } from '../../crypto/channel.ts'
import { handshakeKeys, type OpenedGrant } from '../../crypto/grant.ts'
import { sameBytes } from '../../crypto/hash.ts'
import type { Random } from '../../crypto/random.ts'
import { toBase32 } from '../../ids.ts'
import { strictestOf } from '../../paths.ts'
import { type Address, isDiscardOnly, isNowhere, sameAddress } from '../../wire/address.ts'
import type { JoinBody } from '../../wire/handshake.ts'
import { type Candidate, type Profile, UNKNOWN_PROFILE } from '../../wire/profile.ts'
import type { AddressCredit } from '../address-credit.ts'
import { Session } from '../session/session.ts'
import { plausible } from './plausible.ts'

/** Time for the first datagram after JOINED, which takes one round trip. */
const CONFIRM_MS = 5000
/** Remembered JOINs of one side of a tunnel: one a minute during the life of its grant, and some more. */
const MAX_REMEMBERED = 128
const never = Number.POSITIVE_INFINITY

export interface Pending {
  readonly grant: OpenedGrant
  readonly session: Session
  readonly random: Uint8Array
  readonly nodeRandom: Uint8Array
  readonly profile: Profile
  /** The only address to which JOINED is sent. */
  readonly from: Address
  /** Credit for what may be sent to that address before the first datagram under the keys comes. */
  readonly credit: AddressCredit
  readonly endAt: number
  sentAt: number
}

export class Leg {
  /** Grant of the session: each JOIN may bring a newer one. */
  grant: OpenedGrant
  session: Session | undefined
  pending: Pending | undefined
  #profile: Profile = UNKNOWN_PROFILE
  /** The side takes part in the attempt that runs or is waited for. */
  joined = false
  /** The side was told of a relay in this attempt. */
  relayed = false
  #firstRoundTripMs = 0
  #seen: Address | undefined
  readonly #superseded = new Set<string>()

  constructor(grant: OpenedGrant) {
    this.grant = grant
  }

  /** The side's profile, restricted to plausible addresses and to the paths that its networks allow. */
  get profile(): Profile {
    return this.#profile
  }

  /** 0 until measured. */
  get roundTripMs(): number {
    return this.session?.roundTripMs || this.#firstRoundTripMs
  }

  /** The address that its JOIN proved. Datagrams of the session may come from elsewhere. */
  get seen(): Address | undefined {
    return this.session && this.#seen
  }

  isSuperseded(random: Uint8Array): boolean {
    return this.#superseded.has(toBase32(random))
  }

  expect(
    grant: OpenedGrant,
    { random, profile }: JoinBody,
    nodeRandom: Uint8Array,
    indexes: { readonly index: number; readonly remoteIndex: number },
    from: { readonly address: Address; readonly socket: number },
    { challenges, credit }: { readonly challenges: Random; readonly credit: AddressCredit },
    now: number,
  ): Pending {
    const { up, down } = handshakeKeys(grant.key, random, nodeRandom)
    const session = new Session({
      ...indexes,
      channel: new Channel({ send: down, receive: up }),
      address: from.address.words.slice(),
      socket: from.socket,
      challenges,
      credit,
      now,
    })
    if (this.pending !== undefined && !sameBytes(this.pending.random, random))
      this.#supersede(this.pending.random)
    const times = { endAt: now + CONFIRM_MS, sentAt: now }
    this.pending = { grant, session, random, nodeRandom, profile, from: from.address, credit, ...times }
    return this.pending
  }

  /** Makes the pending session the session of this side. */
  seat({ grant, session, profile, from }: Pending): void {
    this.grant = grant
    this.#firstRoundTripMs = 0
    this.#seen = from
    this.session = session
    this.learn(profile)
    this.relayed = false
  }

  /** The first datagram of the pending session opened. Its JOIN is refused from now on. */
  confirm({ random, sentAt }: Pending, now: number): void {
    this.#supersede(random)
    this.#firstRoundTripMs = Math.max(now - sentAt, 1)
    this.pending = undefined
  }

  /** Its session ended, whether it was confirmed or not. */
  unseat(): void {
    if (this.pending !== undefined && this.pending.session === this.session) {
      this.#supersede(this.pending.random)
      this.pending = undefined
    }
    this.session = undefined
  }

  /**
   * Sets the profile, as far as it is plausible. The address that the JOIN proved is added, as the side may not know it
   * yet.
   */
  learn(profile: Profile): void {
    const paths = strictestOf([profile.paths, this.grant.paths])
    const proven = [this.#seen, this.grant.from].filter(
      (address) => address !== undefined && !isNowhere(address),
    )
    const candidates = plausible(profile.candidates, proven as Address[])
    this.#profile = { ...profile, paths, candidates: withSeen(candidates, this.#seen) }
  }

  /** Removes and returns the pending session if nobody confirmed it in time. */
  expired(now: number): Pending | undefined {
    const { pending } = this
    if (pending === undefined || now < pending.endAt) return undefined
    this.#supersede(pending.random)
    this.pending = undefined
    return pending
  }

  deadline(): number {
    return Math.min(this.session?.deadline() ?? never, this.pending?.endAt ?? never)
  }

  #supersede(random: Uint8Array): void {
    this.#superseded.add(toBase32(random))
    if (this.#superseded.size <= MAX_REMEMBERED) return
    for (const oldest of this.#superseded) {
      this.#superseded.delete(oldest)
      break
    }
  }
}

/** Adds the address at which a side that uses UDP was seen: it is an address of its NAT. */
function withSeen(candidates: readonly Candidate[], seen: Address | undefined): readonly Candidate[] {
  if (seen === undefined || isDiscardOnly(seen.words)) return candidates
  const isThere = ({ kind, address }: Candidate) =>
    kind === 'reflexive' && sameAddress(address.words, 0, seen.words, 0)
  if (candidates.some(isThere)) return candidates
  return [...candidates, { kind: 'reflexive', address: seen }]
}
