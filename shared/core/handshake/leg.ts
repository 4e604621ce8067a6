/**
 * One side of a tunnel at a HANDSHAKE. A JOIN makes a *pending* session, which becomes *the* session when the first
 * datagram opens under it: only then is the address proven and is it known that the JOIN was no replay. A JOIN that comes
 * again is answered again with the same keys; one that was superseded is refused.
 */
import { Channel } from '../../crypto/channel.ts'
import { handshakeKeys, type OpenedGrant } from '../../crypto/grant.ts'
import { toBase32 } from '../../ids.ts'
import { strictestOf } from '../../paths.ts'
import type { Address } from '../../wire/address.ts'
import type { JoinBody } from '../../wire/handshake.ts'
import { type Profile, UNKNOWN_PROFILE } from '../../wire/profile.ts'
import { Session } from '../session/session.ts'

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
  readonly #superseded = new Set<string>()

  constructor(grant: OpenedGrant) {
    this.grant = grant
  }

  /** What it said of its side, within what its networks allow. */
  get profile(): Profile {
    return this.#profile
  }

  get roundTripMs(): number {
    return this.session?.roundTripMs || this.#firstRoundTripMs
  }

  /** Where it is, proven by its session. */
  get seen(): Address | undefined {
    return this.session && { words: this.session.address }
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
    now: number,
  ): Pending {
    const { up, down } = handshakeKeys(grant.key, random, nodeRandom)
    const session = new Session({
      ...indexes,
      channel: new Channel({ send: down, receive: up }),
      address: from.address.words,
      socket: from.socket,
      follows: true,
      now,
    })
    if (this.pending !== undefined) this.#supersede(this.pending.random)
    this.pending = { grant, session, random, nodeRandom, profile, endAt: now + CONFIRM_MS, sentAt: now }
    return this.pending
  }

  /** The first datagram of the pending session opened. Its JOIN will be refused from now on. */
  confirm({ grant, session, random, profile, sentAt }: Pending, now: number): void {
    this.grant = grant
    this.#supersede(random)
    this.#firstRoundTripMs = Math.max(now - sentAt, 1)
    this.session = session
    this.learn(profile)
    this.pending = undefined
    this.relayed = false
  }

  learn(profile: Profile): void {
    this.#profile = { ...profile, paths: strictestOf([profile.paths, this.grant.paths]) }
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
