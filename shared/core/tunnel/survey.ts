/**
 * Finds out about this side of the network for one tunnel, and reports it as a profile for the HANDSHAKE:
 *
 * - the mapping and filtering of the NAT (`evidence`),
 * - the number of hops to the outermost NAT of its own (`hops`, at the same time),
 * - how a symmetric NAT assigns ports (`allocation`),
 * - the addresses of the socket.
 */
import type { Random } from '../../crypto/random.ts'
import type { Address } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import type { Profile } from '../../wire/profile.ts'
import { Allocation } from './allocation.ts'
import { Evidence, type StunServer } from './evidence.ts'
import { Hops } from './hops.ts'
import type { NatClass } from './nat-class.ts'
import { isSymmetric, OwnSide, type OwnSideOptions } from './own-side.ts'
import { OWN_SOCKET, type Sockets } from './sockets.ts'

/** Delay of the evidence if the attempt can begin without it: most such attempts end earlier. */
const LATER_MS = 300
/** Delay of the evidence if a probe was sent to the expected address: between near peers its answer spares the rest. */
const GREETED_MS = 30
const never = Number.POSITIVE_INFINITY

export interface SurveyOptions extends OwnSideOptions {
  readonly stun: readonly StunServer[]
  readonly localPort: number
}

type Phase =
  /** No attempt has begun. */
  | { readonly kind: 'new' }
  /** The socket's own evidence is not complete, or was found out this moment. */
  | { readonly kind: 'evidence' }
  /** Ports are or were sampled, if the NAT is symmetric. */
  | { readonly kind: 'sampled' }
  /** The HANDSHAKE has ordered a measurement; `within` is the phase that it interrupts. */
  | { readonly kind: 'measuring'; readonly within: Phase }

export class Survey {
  readonly own: OwnSide
  readonly #stun: readonly StunServer[]
  readonly #localPort: number
  readonly #evidence: Evidence
  readonly #hops: Hops
  readonly #allocation: Allocation
  #phase: Phase = { kind: 'new' }
  /** Time at which a router is to be asked for a port; Infinity if it was asked, or need not be. */
  #portAt = never
  /** Other sockets were told the class of the NAT in this attempt. */
  #told = false

  constructor(options: SurveyOptions, random: Random, sockets: Sockets) {
    this.#stun = options.stun
    this.#localPort = options.localPort
    this.#evidence = new Evidence(random.fork('evidence'), OWN_SOCKET)
    this.#hops = new Hops(random.fork('hops'), sockets)
    this.#allocation = new Allocation(random.fork('allocation'), sockets)
    const tests = { evidence: this.#evidence, hops: this.#hops, allocation: this.#allocation }
    this.own = new OwnSide(options, tests)
  }

  /**
   * Starts the tests of an attempt. `near`: the HANDSHAKE's address. `greets`: the other side is being probed already.
   */
  start(near: Address | undefined, greets: boolean, now: number): void {
    const { isNeeded, isHard, isHopeful } = this.own
    const hopes = this.#phase.kind === 'new' && isHopeful
    this.#phase = { kind: 'evidence' }
    this.#told = false
    this.#allocation.forget()
    const beginAt = now + (hopes ? LATER_MS : greets ? GREETED_MS : 0)
    this.#portAt = isNeeded ? beginAt : never
    this.#evidence.start(isNeeded ? this.#stun : [], near, this.#localPort, beginAt)
    this.#hops.stop()
    if (!isHard && (!hopes || this.own.needsHops)) this.#hops.start(this.#evidence.servers, now)
  }

  /**
   * There is a direct path: no router is asked for a port, and the evidence is stopped if what other sockets found is
   * enough.
   */
  spare(): void {
    this.#portAt = never
    if (this.own.hasHope) this.#evidence.stop()
  }

  /** True if a router should be asked for a port now: once per attempt. */
  wantsPort(now: number): boolean {
    const isDue = now >= this.#portAt
    if (isDue) this.#portAt = never
    return isDue
  }

  /** The class of the NAT, for other sockets: once per attempt, when it is known. */
  natClass(): NatClass | undefined {
    if (this.#told || !this.own.isNeeded || !this.#evidence.ready || this.#hops.busy) return undefined
    this.#told = true
    return this.own.natClass
  }

  /** Records the address at which a HANDSHAKE saw the socket. */
  observed(server: Address, mapped: Address): void {
    if (this.own.isNeeded) this.#evidence.observed(server, mapped)
  }

  take(bytes: Uint8Array, now: number): boolean {
    return this.#allocation.take(bytes) || this.#hops.take(bytes, now) || this.#evidence.take(bytes, now)
  }

  /** Measures the next port of the NAT with this number of fresh sockets; `measured` tells when it is done. */
  measure(sockets: number, now: number): void {
    this.#phase = { kind: 'measuring', within: settled(this.#phase) }
    this.#allocation.measure(this.#endpoints, sockets, now)
  }

  /** True once per measurement, when it is done. */
  measured(): boolean {
    const done = this.#phase.kind === 'measuring' && !this.#allocation.busy
    if (done) this.#phase = settled(this.#phase)
    return done
  }

  tick(out: Batch, now: number): void {
    this.#evidence.tick(out, now)
    this.#hops.tick(out, now)
    if (this.#evidence.ready && !this.#isSampled) this.#beginSampling(now)
    this.#allocation.tick(out, now)
  }

  deadline(): number {
    const asked = Math.min(this.#evidence.deadline(), this.#hops.deadline(), this.#allocation.deadline())
    return Math.min(asked, this.#portAt)
  }

  /**
   * True if the profile is complete enough to begin. For a NAT that other sockets know this is so from the start, as
   * the HANDSHAKE itself sees the port.
   */
  get ready(): boolean {
    if (this.own.hasHope) return true
    const isMeasuring = this.#phase.kind === 'measuring'
    return this.#evidence.ready && this.#isSampled && (isMeasuring || !this.#allocation.busy)
  }

  /** True while fresh sockets are used to sample ports. */
  get sampling(): boolean {
    return this.#allocation.busy
  }

  /** The STUN servers, nearest first. */
  get servers(): readonly StunServer[] {
    return this.#evidence.servers
  }

  get profile(): Profile {
    return this.own.profile(this.ready)
  }

  get #isSampled(): boolean {
    return settled(this.#phase).kind === 'sampled'
  }

  /**
   * Samples ports if the NAT is symmetric. The hop test is stopped then: its result would be chance, and its sockets
   * are needed.
   */
  #beginSampling(now: number): void {
    const sampled = { kind: 'sampled' } as const
    this.#phase = this.#phase.kind === 'measuring' ? { kind: 'measuring', within: sampled } : sampled
    if (!isSymmetric(this.#evidence.profile)) return
    this.#hops.stop()
    this.#allocation.sample(this.#endpoints, now)
  }

  get #endpoints(): readonly Address[] {
    const ends = this.#evidence.servers.flatMap(({ primary, alternate }) => [primary, alternate])
    return ends.filter((address) => address !== undefined)
  }
}

/** The phase without the measurement. */
const settled = (phase: Phase): Phase => (phase.kind === 'measuring' ? phase.within : phase)
