/**
 * What each owner of legs may take of a relay. A leg has two owners, its peer and that peer's user; both are charged for what
 * comes from the leg. Nobody has more than its quota, and when the relay is busy nobody has more than a fair share:
 *
 *   legs      when three quarters of the tunnels are taken, an owner that has half as many legs as tunnels are left gets no
 *             further one: there is always room for who has few
 *   traffic   nobody gets more than half of the relay; when bytes or packets come near what it can carry, each peer that
 *             sends gets an equal part, and each user
 *
 * An owner without legs is kept until its allowance is full again, so that leaving and coming back renews nothing.
 */
import type { OpenedGrant } from '../../crypto/grant.ts'

/** Of the places for legs, and of bytes and packets a second: what one owner may have. */
const PEER_LEGS = 1 / 64
const USER_LEGS = 1 / 16
const TRAFFIC = 1 / 2
/** A small relay is shared by few. */
const LEAST_PEER_LEGS = 16
const LEAST_USER_LEGS = 64
const CROWDED = 3 / 4
const BUSY = 0.9
/** At once: a second of the rate. */
const BURST_MS = 1000

interface Owner {
  readonly kind: 'peer' | 'user'
  legs: number
  /** When its allowances will be full again (GCRA). */
  bytesAt: number
  packetsAt: number
  /** It has sent since the last round. */
  sends: boolean
}

interface Rate {
  bytesMs: number
  packetsMs: number
}

export interface QuotaOptions {
  readonly maxLegs: number
  readonly maxBytesPerSecond: number
  readonly maxPacketsPerSecond: number
}

export class Quota {
  readonly #options: QuotaOptions
  readonly #owners = new Map<string, Owner>()
  readonly #ofLeg: (readonly Owner[] | undefined)[]
  readonly #legs: Record<Owner['kind'], number>
  readonly #rates: Record<Owner['kind'], Rate>
  /** Tunnels of which a leg is taken. */
  #pairs = 0
  readonly #isTaken: Uint8Array
  /** In this round. */
  #bytes = 0
  #packets = 0
  #roundAt = 0
  /** Of what the relay can carry, in the last round. */
  #share = 0

  constructor(options: QuotaOptions) {
    const { maxLegs } = options
    this.#options = options
    this.#isTaken = new Uint8Array(maxLegs)
    this.#ofLeg = new Array<readonly Owner[] | undefined>(maxLegs).fill(undefined)
    this.#legs = {
      peer: Math.max(Math.floor(maxLegs * PEER_LEGS), LEAST_PEER_LEGS),
      user: Math.max(Math.floor(maxLegs * USER_LEGS), LEAST_USER_LEGS),
    }
    this.#rates = { peer: this.#rate(TRAFFIC), user: this.#rate(TRAFFIC) }
  }

  /** 0 to 1: of tunnels, or of bytes or packets a second as of the last round, whichever share is greater. */
  get load(): number {
    return Math.min(1, Math.max(this.#share, this.#pairs / (this.#options.maxLegs / 2)))
  }

  /** Whether the holder of a grant may have one more leg. */
  admits({ self, user }: OpenedGrant): boolean {
    return [self, user].every((name) => {
      const owner = name === undefined ? undefined : this.#owners.get(name)
      return owner === undefined || owner.legs < this.#legsFor(owner)
    })
  }

  /** Whose leg it is, from when it is taken on. */
  assign(leg: number, { self, user }: OpenedGrant): void {
    const peer = this.#owner(self, 'peer')
    this.#ofLeg[leg] = user === undefined ? [peer] : [peer, this.#owner(user, 'user')]
  }

  taken(leg: number): void {
    this.#isTaken[leg] = 1
    if (this.#isTaken[leg ^ 1] === 0) this.#pairs++
    for (const owner of this.#ofLeg[leg] ?? []) owner.legs++
  }

  left(leg: number): void {
    this.#isTaken[leg] = 0
    if (this.#isTaken[leg ^ 1] === 0) this.#pairs--
    for (const owner of this.#ofLeg[leg] ?? []) owner.legs--
  }

  /** A datagram of so many bytes came from a leg: false if its owner has had its part. */
  take(leg: number, bytes: number, now: number): boolean {
    const owners = this.#ofLeg[leg] ?? []
    for (const { bytesAt, packetsAt } of owners)
      if (Math.max(bytesAt, packetsAt) - now > BURST_MS) return false
    for (const owner of owners) {
      const { bytesMs, packetsMs } = this.#rates[owner.kind]
      owner.bytesAt = Math.max(owner.bytesAt, now) + bytes * bytesMs
      owner.packetsAt = Math.max(owner.packetsAt, now) + packetsMs
      owner.sends = true
    }
    this.#bytes += bytes
    this.#packets++
    return true
  }

  /** Once a second: shares the relay out by what was carried since, and forgets who has gone. */
  round(now: number): void {
    const { maxBytesPerSecond, maxPacketsPerSecond } = this.#options
    const seconds = Math.max((now - this.#roundAt) / 1000, 0.001)
    this.#share = Math.max(
      this.#bytes / seconds / maxBytesPerSecond,
      this.#packets / seconds / maxPacketsPerSecond,
    )
    const senders = { peer: 0, user: 0 }
    for (const [name, owner] of this.#owners) {
      if (owner.sends) senders[owner.kind]++
      owner.sends = false
      if (owner.legs === 0 && Math.max(owner.bytesAt, owner.packetsAt) <= now) this.#owners.delete(name)
    }
    for (const kind of ['peer', 'user'] as const) this.#rates[kind] = this.#rate(this.#fair(senders[kind]))
    this.#bytes = 0
    this.#packets = 0
    this.#roundAt = now
  }

  #fair(senders: number): number {
    return this.#share >= BUSY && senders > 0 ? Math.min(1 / senders, TRAFFIC) : TRAFFIC
  }

  /** When the relay is crowded, half of the places that are left: whoever has many is refused first. */
  #legsFor({ kind }: Owner): number {
    const places = this.#options.maxLegs / 2
    const left = places - this.#pairs
    return left > places * (1 - CROWDED) ? this.#legs[kind] : Math.min(this.#legs[kind], Math.floor(left / 2))
  }

  #owner(name: string, kind: Owner['kind']): Owner {
    const known = this.#owners.get(name)
    if (known !== undefined) return known
    const owner: Owner = { kind, legs: 0, bytesAt: 0, packetsAt: 0, sends: false }
    this.#owners.set(name, owner)
    return owner
  }

  #rate(share: number): Rate {
    const { maxBytesPerSecond, maxPacketsPerSecond } = this.#options
    return { bytesMs: 1000 / (maxBytesPerSecond * share), packetsMs: 1000 / (maxPacketsPerSecond * share) }
  }
}
