/**
 * Finds out about this side of the network for one tunnel, and reports it as a profile for the HANDSHAKE:
 *
 * - the mapping and filtering of the NAT (`evidence`),
 * - the number of hops to the outermost NAT of its own (`hops`, at the same time),
 * - how a symmetric NAT assigns ports (`allocation`),
 * - the addresses of the socket.
 */
import type { Random } from '../../crypto/random.ts'
import type { Paths } from '../../paths.ts'
import { type Address, formatIp } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import { type Candidate, MAX_CANDIDATES, type Profile, UNKNOWN_PROFILE } from '../../wire/profile.ts'
import { reachable } from '../port-mapping/reachable.ts'
import { Allocation } from './allocation.ts'
import { Evidence, type StunServer } from './evidence.ts'
import { Hops } from './hops.ts'
import { isForeseeable, type NatClass } from './nat-class.ts'
import { OWN_SOCKET, type Sockets } from './sockets.ts'

/** Mapped addresses in the profile; the newest are kept. */
const MAX_REFLEXIVE = 4
/** Delay of the evidence if the attempt can begin without it: most such attempts end earlier. */
const LATER_MS = 300
/** Delay of the evidence if a probe was sent to the expected address: between near peers its answer spares the rest. */
const GREETED_MS = 30
const never = Number.POSITIVE_INFINITY

export interface SurveyOptions {
  readonly paths: Paths
  readonly stun: readonly StunServer[]
  readonly candidates: readonly Candidate[]
  readonly localPort: number
  readonly quiet: boolean
  readonly nat: NatClass | undefined
  readonly udpBlocked: boolean
}

export class Survey {
  candidates: readonly Candidate[]
  /** If true, nothing is tested. Takes effect at the next `start`. */
  udpBlocked: boolean
  readonly #options: SurveyOptions
  readonly #evidence: Evidence
  readonly #hops: Hops
  readonly #allocation: Allocation
  #sampled = false
  #measuring = false
  #started = false
  /** Time at which a router is to be asked for a port; Infinity if it was asked, or need not be. */
  #portAt = never
  /** Class of the NAT found by other sockets, used until the evidence is there. */
  #expected: NatClass | undefined
  #told = false

  constructor(options: SurveyOptions, random: Random, sockets: Sockets) {
    this.#options = options
    this.candidates = options.candidates
    this.#expected = options.nat
    this.udpBlocked = options.udpBlocked
    this.#evidence = new Evidence(random.fork('evidence'), OWN_SOCKET)
    this.#hops = new Hops(random.fork('hops'), sockets)
    this.#allocation = new Allocation(random.fork('allocation'), sockets)
  }

  /**
   * Starts the tests of an attempt. `near`: the HANDSHAKE's address. `greets`: the other side is being probed already.
   */
  start(near: Address | undefined, greets: boolean, now: number): void {
    const { stun, localPort } = this.#options
    this.#sampled = false
    this.#measuring = false
    this.#told = false
    this.#allocation.forget()
    const isHopeful = !this.#started && isEnough(this.#expected)
    this.#started = true
    const beginAt = now + (isHopeful ? LATER_MS : greets ? GREETED_MS : 0)
    this.#portAt = this.#isNeeded ? beginAt : never
    this.#evidence.start(this.#isNeeded ? stun : [], near, localPort, beginAt)
    this.#hops.stop()
    if (!this.#isHard && (!isHopeful || this.#needsHops)) this.#hops.start(this.#evidence.servers, now)
  }

  /** True if the socket is expected to be seen at its own port, by what other sockets found. */
  get isForeseeable(): boolean {
    return isForeseeable(this.#expected)
  }

  /**
   * There is a direct path: no router is asked for a port, and the evidence is stopped if what other sockets found is
   * enough.
   */
  spare(): void {
    this.#portAt = never
    if (this.#hope !== undefined) this.#evidence.stop()
  }

  /** True if a router should be asked for a port now: once per attempt. */
  wantsPort(now: number): boolean {
    const isDue = now >= this.#portAt
    if (isDue) this.#portAt = never
    return isDue
  }

  /** The network may be another one: forgets what other sockets found. */
  expectNothing(): void {
    this.#expected = undefined
  }

  /** The class of the NAT, for other sockets: once per attempt, when it is known. */
  natClass(): NatClass | undefined {
    if (this.#told || !this.#isNeeded || !this.#evidence.ready || this.#hops.busy) return undefined
    this.#told = true
    const { mapping, filtering, allocation } = this.#evidence.profile
    return {
      mapping,
      filtering,
      allocation,
      ...this.#traits,
      hops: isSymmetric({ mapping }) ? 0 : this.#hops.least,
    }
  }

  /** Records the address at which a HANDSHAKE saw the socket. */
  observed(server: Address, mapped: Address): void {
    if (this.#isNeeded) this.#evidence.observed(server, mapped)
  }

  take(bytes: Uint8Array, now: number): boolean {
    return this.#allocation.take(bytes) || this.#hops.take(bytes, now) || this.#evidence.take(bytes, now)
  }

  /** Measures the next port of the NAT with this number of fresh sockets; `measured` tells when it is done. */
  measure(sockets: number, now: number): void {
    this.#measuring = true
    this.#allocation.measure(this.#endpoints, sockets, now)
  }

  /** True once per measurement, when it is done. */
  measured(): boolean {
    const done = this.#measuring && !this.#allocation.busy
    if (done) this.#measuring = false
    return done
  }

  tick(out: Batch, now: number): void {
    this.#evidence.tick(out, now)
    this.#hops.tick(out, now)
    if (this.#evidence.ready && !this.#sampled) this.#beginSampling(now)
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
    if (this.#hope !== undefined) return true
    return this.#evidence.ready && this.#sampled && (this.#measuring || !this.#allocation.busy)
  }

  /** True while fresh sockets are used to sample ports. */
  get sampling(): boolean {
    return this.#allocation.busy
  }

  /** Addresses of the host's interfaces. */
  get hosts(): readonly Address[] {
    return this.candidates.filter(({ kind }) => kind === 'host').map(({ address }) => address)
  }

  /** The STUN servers, nearest first. */
  get servers(): readonly StunServer[] {
    return this.#evidence.servers
  }

  /** Ports that a router mapped, if the router itself has the public address. */
  get mapped(): readonly Candidate[] {
    return reachable(this.candidates, this.#evidence.reflexive)
  }

  get profile(): Profile {
    const { udpBlocked } = this
    const { paths, quiet } = this.#options
    if (!this.#isNeeded) return { ...UNKNOWN_PROFILE, ready: true, paths, udpBlocked }
    const reflexive = this.#evidence.reflexive.map((address) => ({ kind: 'reflexive', address }) as const)
    const others = this.candidates.filter(({ kind }) => kind !== 'mapped')
    const known = [...this.mapped, ...reflexive.slice(-MAX_REFLEXIVE), ...others]
    const hope = this.#hope
    const classes = { ...this.#evidence.profile, ...hope, ...this.#traits }
    const tellsHops = classes.filtering !== 'independent' && !isSymmetric(classes)
    const hops = tellsHops ? this.#hops.least || (hope?.hops ?? 0) : 0
    const { found, next } = this.#allocation
    const candidates = known.slice(0, MAX_CANDIDATES)
    const { ready } = this
    return { ...UNKNOWN_PROFILE, ...classes, hops, ...found, next, ready, quiet, paths, candidates }
  }

  /** Text that is equal for two attempts behind the same NATs, whatever ports those assign. */
  get network(): string {
    const { mapping, filtering, allocation, udpBlocked, candidates } = this.profile
    const ips = candidates.map(({ kind, address }) => `${kind} ${formatIp(address.words)}`)
    return [mapping, filtering, allocation, udpBlocked, ...new Set(ips)].join()
  }

  /** True if a direct path is possible at all. */
  get #isNeeded(): boolean {
    return this.#options.paths !== 'relay-only' && !this.udpBlocked
  }

  /** Traits that the tunnel's own socket cannot test. */
  get #traits(): Pick<NatClass, 'forgiving' | 'hairpin'> {
    const { forgiving = false, hairpin = false } = this.#expected ?? {}
    return { forgiving, hairpin }
  }

  /**
   * The class that other sockets found, until the evidence is there. Undefined for a symmetric NAT, whose class alone
   * is not enough to begin.
   */
  get #hope(): NatClass | undefined {
    return isEnough(this.#expected) && !this.#evidence.ready ? this.#expected : undefined
  }

  /**
   * True if other sockets found the NAT symmetric. The hop test shows nothing then, and each of its requests would take
   * a port of the NAT.
   */
  get #isHard(): boolean {
    return this.#expected !== undefined && isSymmetric(this.#expected)
  }

  /**
   * True if a first attempt needs the number of hops: it sends priming packets if the NAT reacts badly to early
   * packets.
   */
  get #needsHops(): boolean {
    const { filtering, forgiving, hops } = this.#expected!
    return filtering !== 'independent' && !forgiving && hops === 0
  }

  /**
   * Samples ports if the NAT is symmetric. The hop test is stopped then: its result would be chance, and its sockets
   * are needed.
   */
  #beginSampling(now: number): void {
    this.#sampled = true
    if (!isSymmetric(this.#evidence.profile)) return
    this.#hops.stop()
    this.#allocation.sample(this.#endpoints, now)
  }

  get #endpoints(): readonly Address[] {
    const ends = this.#evidence.servers.flatMap(({ primary, alternate }) => [primary, alternate])
    return ends.filter((address) => address !== undefined)
  }
}

const isEnough = (nat: NatClass | undefined): boolean =>
  nat?.mapping === 'independent' && nat.filtering !== 'unknown'

const isSymmetric = ({ mapping }: Pick<Profile, 'mapping'>): boolean =>
  mapping === 'address' || mapping === 'addressAndPort'
