/**
 * What each owner of legs may take of a relay. A leg has three owners: its peer, that peer's user, and a network that the
 * two peers of the tunnel share. All are charged for what comes from the leg. Nobody has more than its quota, and when the
 * relay is busy nobody has more than a fair share:
 *
 *   legs      when three quarters of the tunnels are taken, an owner that has half as many legs as tunnels are left gets no
 *             further one: there is always room for an owner that has few
 *   traffic   no peer and no user gets more than half of the relay; when bytes or packets come near what it can carry, each
 *             network that sends gets an equal part, and within it each peer, and each user. Tunnels between the peers of one
 *             user, who share no network, count as one network
 *
 * A network that is alone has the whole relay, as many deployments have one network only.
 *
 * An owner without legs is kept until its allowance is full again, so that leaving and coming back renews nothing.
 */
import type { OpenedGrant } from '../../crypto/grant.ts'

/** Of the places for legs, and of bytes and packets a second: what one owner may have. */
const PEER_LEGS = 1 / 64
const USER_LEGS = 1 / 16
const MOST: Readonly<Record<Kind, number>> = { peer: 1 / 2, user: 1 / 2, network: 1 }
/** A small relay is shared by few. */
const LEAST_PEER_LEGS = 16
const LEAST_USER_LEGS = 64
const CROWDED = 3 / 4
const BUSY = 0.9
/** At once: a second of the rate. */
const BURST_MS = 1000

type Kind = 'peer' | 'user' | 'network'

interface Owner {
  readonly kind: Kind
  /** The network within which it gets its part: of its latest leg. */
  network: string
  rate: Rate
  legs: number
  /** When its allowances will be full again (GCRA). */
  bytesAt: number
  packetsAt: number
  /** It has sent since the last round. */
  sends: boolean
}

const NOBODY: readonly Owner[] = []

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
  readonly #legs: Record<Kind, number>
  readonly #most: Record<Kind, Rate>
  /** Networks that have legs. */
  #networks = 0
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
      network: maxLegs,
    }
    this.#most = {
      peer: this.#rate(MOST.peer),
      user: this.#rate(MOST.user),
      network: this.#rate(MOST.network),
    }
  }

  /** 0 to 1: of tunnels, or of bytes or packets a second as of the last round, whichever share is greater. */
  get load(): number {
    return Math.min(1, Math.max(this.#share, this.#pairs / (this.#options.maxLegs / 2)))
  }

  /** Whether the holder of a grant may have one more leg. */
  admits({ self, user, network }: OpenedGrant): boolean {
    return [self, user, network].every((name) => {
      const owner = name === undefined ? undefined : this.#owners.get(name)
      return owner === undefined || owner.legs < this.#legsFor(owner)
    })
  }

  /** Whose leg it is, from when it is taken on. */
  assign(leg: number, { self, user, network }: OpenedGrant): void {
    const within = network ?? this.#networkOf(leg ^ 1)
    const owners = [this.#owner(self, 'peer', within)]
    if (user !== undefined) owners.push(this.#owner(user, 'user', within))
    if (within !== '') owners.push(this.#owner(within, 'network', within))
    this.#ofLeg[leg] = owners
  }

  taken(leg: number): void {
    this.#isTaken[leg] = 1
    if (this.#isTaken[leg ^ 1] === 0) this.#pairs++
    for (const owner of this.#ofLeg[leg] ?? []) if (owner.legs++ === 0) this.#countNetwork(owner, 1)
  }

  left(leg: number): void {
    this.#isTaken[leg] = 0
    if (this.#isTaken[leg ^ 1] === 0) this.#pairs--
    for (const owner of this.#ofLeg[leg] ?? []) if (--owner.legs === 0) this.#countNetwork(owner, -1)
  }

  /** A datagram of so many bytes came from a leg: false if its owner has had its part. */
  take(leg: number, bytes: number, now: number): boolean {
    if (this.isOver(leg, now)) return false
    this.charge(leg, 1, bytes, now)
    return true
  }

  /** An owner of the leg has had its part. */
  isOver(leg: number, now: number): boolean {
    for (const { bytesAt, packetsAt } of this.#ofLeg[leg] ?? NOBODY)
      if (Math.max(bytesAt, packetsAt) - now > BURST_MS) return true
    return false
  }

  /** What came from a leg and was forwarded, whether its owners had it left or not. */
  charge(leg: number, packets: number, bytes: number, now: number): void {
    for (const owner of this.#ofLeg[leg] ?? NOBODY) {
      const { bytesMs, packetsMs } = owner.rate
      owner.bytesAt = Math.max(owner.bytesAt, now) + bytes * bytesMs
      owner.packetsAt = Math.max(owner.packetsAt, now) + packets * packetsMs
      owner.sends = true
    }
    this.#bytes += bytes
    this.#packets += packets
  }

  /** Once a second: shares the relay out by what was carried since, and forgets who has gone. */
  round(now: number): void {
    const { maxBytesPerSecond, maxPacketsPerSecond } = this.#options
    const seconds = Math.max((now - this.#roundAt) / 1000, 0.001)
    this.#share = Math.max(
      this.#bytes / seconds / maxBytesPerSecond,
      this.#packets / seconds / maxPacketsPerSecond,
    )
    for (const [name, owner] of this.#owners)
      if (owner.legs === 0 && Math.max(owner.bytesAt, owner.packetsAt) <= now) this.#owners.delete(name)
    this.#shareOut()
    this.#bytes = 0
    this.#packets = 0
    this.#roundAt = now
  }

  #shareOut(): void {
    const senders = new Map<string, Record<Kind, number>>()
    for (const { kind, network, sends } of this.#owners.values()) {
      if (!sends) continue
      const within = senders.get(network) ?? { peer: 0, user: 0, network: 0 }
      within[kind]++
      senders.set(network, within)
    }
    const isBusy = this.#share >= BUSY
    for (const owner of this.#owners.values()) {
      const { kind, network } = owner
      const alike = Math.max(senders.get(network)?.[kind] ?? 0, 1)
      const part = 1 / (alike * Math.max(senders.size, 1))
      owner.rate = isBusy && part < MOST[kind] ? this.#rate(part) : this.#most[kind]
      owner.sends = false
    }
  }

  #countNetwork({ kind }: Owner, by: 1 | -1): void {
    if (kind === 'network') this.#networks += by
  }

  /** When the relay is crowded, half of the places that are left: whoever has many is refused first. */
  #legsFor({ kind }: Owner): number {
    const places = this.#options.maxLegs / 2
    const left = places - this.#pairs
    if (kind === 'network' && this.#networks < 2) return this.#legs.network
    return left > places * (1 - CROWDED) ? this.#legs[kind] : Math.min(this.#legs[kind], Math.floor(left / 2))
  }

  #owner(name: string, kind: Kind, network: string): Owner {
    const known = this.#owners.get(name)
    if (known !== undefined) {
      known.network = network
      return known
    }
    const nothing = { legs: 0, bytesAt: 0, packetsAt: 0, sends: false }
    const owner: Owner = { kind, network, rate: this.#most[kind], ...nothing }
    this.#owners.set(name, owner)
    return owner
  }

  /** The answering side's grant may not say it, as its node does not know it. */
  #networkOf(leg: number): string {
    const owners = this.#isTaken[leg] === 1 ? this.#ofLeg[leg] : undefined
    return owners?.find(({ kind }) => kind === 'network')?.network ?? ''
  }

  #rate(share: number): Rate {
    const { maxBytesPerSecond, maxPacketsPerSecond } = this.#options
    return { bytesMs: 1000 / (maxBytesPerSecond * share), packetsMs: 1000 / (maxPacketsPerSecond * share) }
  }
}
