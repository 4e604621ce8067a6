/**
 * The quotas of a relay. A leg has three owners: its peer, that peer's user, and a network that the two peers of the tunnel
 * share. All three are charged for traffic from the leg. No owner exceeds its quota and, while the relay is busy, its fair share:
 *
 *   legs      when three quarters of the tunnels are taken, an owner with half as many legs as there are tunnels left gets no
 *             further leg. There is then always room for owners with few legs
 *   traffic   no peer and no user gets more than half of the relay. When bytes or packets come near its capacity, all networks
 *             that send get equal parts. Within a network, all peers get equal parts, and so do all users. Tunnels between
 *             peers of one user that share no network count as one network
 *
 * A network that is alone gets the whole relay, because many deployments have only one network.
 *
 * An owner without legs is remembered until its allowance is full again, so leaving and coming back does not renew it.
 */
import type { OpenedGrant } from '../../crypto/grant.ts'

/** The parts of a relay that one owner may have: of its places for legs, and of its bytes and packets a second. */
const PEER_LEGS = 1 / 64
const USER_LEGS = 1 / 16
const MOST: Readonly<Record<Kind, number>> = { peer: 1 / 2, user: 1 / 2, network: 1 }
/** Lower bounds, because a small relay has few users. */
const LEAST_PEER_LEGS = 16
const LEAST_USER_LEGS = 64
const CROWDED = 3 / 4
const BUSY = 0.9
/** Largest burst, as time at the full rate: one second. */
const BURST_MS = 1000

type Kind = 'peer' | 'user' | 'network'

interface Owner {
  readonly kind: Kind
  /** The network in which the owner gets its part: that of its latest leg. */
  network: string
  rate: Rate
  legs: number
  /** Time at which each allowance will be full again (GCRA). */
  bytesAt: number
  packetsAt: number
  /** True if the owner has sent since the last round. */
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
  /** Number of networks that have legs. */
  #networks = 0
  /** Number of tunnels with at least one leg. */
  #pairs = 0
  readonly #isTaken: Uint8Array
  /** Bytes and packets charged in this round. */
  #bytes = 0
  #packets = 0
  #roundAt = 0
  /** The part of the relay's capacity that was used in the last round. */
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

  /** Load from 0 to 1: the used part of tunnels, or of bytes or packets a second in the last round, whichever is greatest. */
  get load(): number {
    return Math.min(1, Math.max(this.#share, this.#pairs / (this.#options.maxLegs / 2)))
  }

  /** True if the holder of a grant may have one more leg. */
  admits({ self, user, network }: OpenedGrant): boolean {
    return [self, user, network].every((name) => {
      const owner = name === undefined ? undefined : this.#owners.get(name)
      return owner === undefined || owner.legs < this.#legsFor(owner)
    })
  }

  /** Sets the owners of a leg. They count from the moment the leg is taken. */
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

  /** Charges a datagram from a leg; false, without a charge, if an owner is over quota. */
  take(leg: number, bytes: number, now: number): boolean {
    if (this.isOver(leg, now)) return false
    this.charge(leg, 1, bytes, now)
    return true
  }

  /** True if an owner of the leg is over quota. */
  isOver(leg: number, now: number): boolean {
    for (const { bytesAt, packetsAt } of this.#ofLeg[leg] ?? NOBODY)
      if (Math.max(bytesAt, packetsAt) - now > BURST_MS) return true
    return false
  }

  /** Charges forwarded traffic to the owners of a leg, even if they are over quota. */
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

  /** Runs once a second. Divides the relay among owners by the traffic since the last round, and forgets owners that are gone. */
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

  /** Maximum legs of an owner. On a crowded relay it is half of the places left, so owners with many legs are refused first. */
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

  /** The network of a leg, or ''. The grant of the answering side may lack a network, as that side's node does not know it. */
  #networkOf(leg: number): string {
    const owners = this.#isTaken[leg] === 1 ? this.#ofLeg[leg] : undefined
    return owners?.find(({ kind }) => kind === 'network')?.network ?? ''
  }

  #rate(share: number): Rate {
    const { maxBytesPerSecond, maxPacketsPerSecond } = this.#options
    return { bytesMs: 1000 / (maxBytesPerSecond * share), packetsMs: 1000 / (maxPacketsPerSecond * share) }
  }
}
