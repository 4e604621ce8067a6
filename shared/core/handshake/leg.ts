/**
 * One side of a tunnel at a HANDSHAKE. A JOIN makes a *pending* session, which becomes *the* session when the first
 * datagram opens under it: only then is the address proven and is it known that the JOIN was no replay. It is so at once
 * where the JOIN came from the IP that the grant says its holder proved to be at; then it stays pending besides, as its
 * answer may have been lost. A JOIN that comes again is answered again with the same keys, from another address with other
 * keys: the keys tell which address has received its answer. One that was superseded is
 * refused.
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

/** A JOINED is answered within one round trip. */
const CONFIRM_MS = 5000
/** JOINs of one side of one tunnel: one a minute for as long as its grant lives, and some more. */
const MAX_REMEMBERED = 128
const never = Number.POSITIVE_INFINITY

export interface Pending {
  readonly grant: OpenedGrant
  readonly session: Session
  readonly random: Uint8Array
  readonly nodeRandom: Uint8Array
  readonly profile: Profile
  /** The only address to which JOINED goes. */
  readonly from: Address
  /** What that may be sent before the first datagram under the keys comes. */
  readonly credit: AddressCredit
  readonly endAt: number
  sentAt: number
}

export class Leg {
  /** Of the session: each JOIN may come with a newer one. */
  grant: OpenedGrant
  session: Session | undefined
  pending: Pending | undefined
  #profile: Profile = UNKNOWN_PROFILE
  /** In the attempt that goes on, or is waited for. */
  joined = false
  /** It was told of a relay in this attempt. */
  relayed = false
  #firstRoundTripMs = 0
  #seen: Address | undefined
  readonly #superseded = new Set<string>()

  constructor(grant: OpenedGrant) {
    this.grant = grant
  }

  /** What it said of its side, within what its networks allow. */
  get profile(): Profile {
    return this.#profile
  }

  /** 0: not measured yet. */
  get roundTripMs(): number {
    return this.session?.roundTripMs || this.#firstRoundTripMs
  }

  /** Where it proved to be, which a datagram of its session need not come from. */
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

  /** Its session is the pending one from now on. */
  seat({ grant, session, profile, from }: Pending): void {
    this.grant = grant
    this.#firstRoundTripMs = 0
    this.#seen = from
    this.session = session
    this.learn(profile)
    this.relayed = false
  }

  /** The first datagram of the pending session opened. Its JOIN will be refused from now on. */
  confirm({ random, sentAt }: Pending, now: number): void {
    this.#supersede(random)
    this.#firstRoundTripMs = Math.max(now - sentAt, 1)
    this.pending = undefined
  }

  /** Its session ended, confirmed or not. */
  unseat(): void {
    if (this.pending !== undefined && this.pending.session === this.session) {
      this.#supersede(this.pending.random)
      this.pending = undefined
    }
    this.session = undefined
  }

  /** What it says of itself, as far as that is plausible. A side that has not been told yet where it was seen is known to be there all the same. */
  learn(profile: Profile): void {
    const paths = strictestOf([profile.paths, this.grant.paths])
    const proven = [this.#seen, this.grant.from].filter(
      (address) => address !== undefined && !isNowhere(address),
    )
    const candidates = plausible(profile.candidates, proven as Address[])
    this.#profile = { ...profile, paths, candidates: withSeen(candidates, this.#seen) }
  }

  /** The session that nobody has confirmed in time, now without one. */
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

/** Where a side that goes by UDP was seen is an address of its NAT. */
function withSeen(candidates: readonly Candidate[], seen: Address | undefined): readonly Candidate[] {
  if (seen === undefined || isDiscardOnly(seen.words)) return candidates
  const isThere = ({ kind, address }: Candidate) =>
    kind === 'reflexive' && sameAddress(address.words, 0, seen.words, 0)
  if (candidates.some(isThere)) return candidates
  return [...candidates, { kind: 'reflexive', address: seen }]
}
