/**
 * All that a tunnel finds out about its own side of the network, as a profile for the HANDSHAKE: classes of the NAT
 * (`evidence`), how far its routers reach (`hops`, at the same time), how a symmetric one chooses ports (`allocation`), addresses.
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

/** Of the addresses that it was seen at, newest last. */
const MAX_REFLEXIVE = 4
/** An attempt that needs no evidence to begin with mostly ends before. */
const LATER_MS = 300
/** The other side has been sent to where it is expected: between near peers its answer spares the rest. */
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
  /** There is nothing to find out then. Takes effect at the next `start`. */
  udpBlocked: boolean
  readonly #options: SurveyOptions
  readonly #evidence: Evidence
  readonly #hops: Hops
  readonly #allocation: Allocation
  #sampled = false
  #measuring = false
  #started = false
  /** When a router is to be asked for a port; Infinity when it was, or need not be. */
  #portAt = never
  /** Until the evidence is there. */
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

  /** `near`: the HANDSHAKE's address. `greets`: the other side is looked for already. */
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

  /** As far as is known before the evidence is there. */
  get isForeseeable(): boolean {
    return isForeseeable(this.#expected)
  }

  /** There is a direct path: what has only been hoped for need not be found out. */
  spare(): void {
    this.#portAt = never
    if (this.#hope !== undefined) this.#evidence.stop()
  }

  /** A router should be asked for a port now: once in an attempt. */
  wantsPort(now: number): boolean {
    const isDue = now >= this.#portAt
    if (isDue) this.#portAt = never
    return isDue
  }

  /** What is in front of this host may be something else now. */
  expectNothing(): void {
    this.#expected = undefined
  }

  /** What other sockets may expect: once, when it is known. */
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

  /** A HANDSHAKE saw the socket. */
  observed(server: Address, mapped: Address): void {
    if (this.#isNeeded) this.#evidence.observed(server, mapped)
  }

  take(bytes: Uint8Array, now: number): boolean {
    return this.#allocation.take(bytes) || this.#hops.take(bytes, now) || this.#evidence.take(bytes, now)
  }

  /** Which port the NAT gives next, with so many fresh sockets: done when `measured` says so. */
  measure(sockets: number, now: number): void {
    this.#measuring = true
    this.#allocation.measure(this.#endpoints, sockets, now)
  }

  /** Once for each measurement. */
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

  /** Of a NAT that is known: the HANDSHAKE itself sees the port. */
  get ready(): boolean {
    if (this.#hope !== undefined) return true
    return this.#evidence.ready && this.#sampled && (this.#measuring || !this.#allocation.busy)
  }

  /** Addresses of the host's interfaces. */
  get hosts(): readonly Address[] {
    return this.candidates.filter(({ kind }) => kind === 'host').map(({ address }) => address)
  }

  /** The nearest first. */
  get servers(): readonly StunServer[] {
    return this.#evidence.servers
  }

  /** Ports that a router gave, where the public address is its own. */
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

  /** Equal as long as this side is behind the same NATs, whatever ports they give. */
  get network(): string {
    const { mapping, filtering, allocation, udpBlocked, candidates } = this.profile
    const ips = candidates.map(({ kind, address }) => `${kind} ${formatIp(address.words)}`)
    return [mapping, filtering, allocation, udpBlocked, ...new Set(ips)].join()
  }

  /** Whether there may be a direct path at all. */
  get #isNeeded(): boolean {
    return this.#options.paths !== 'relay-only' && !this.udpBlocked
  }

  /** Nothing that the own socket could find out. */
  get #traits(): Pick<NatClass, 'forgiving' | 'hairpin'> {
    const { forgiving = false, hairpin = false } = this.#expected ?? {}
    return { forgiving, hairpin }
  }

  /** What is expected, while the evidence is not there. Of a symmetric NAT the class is not enough to begin with. */
  get #hope(): NatClass | undefined {
    return isEnough(this.#expected) && !this.#evidence.ready ? this.#expected : undefined
  }

  /** Symmetric, as other sockets found: it tells nothing of its hops, and every question takes one of its ports. */
  get #isHard(): boolean {
    return this.#expected !== undefined && isSymmetric(this.#expected)
  }

  /** A first attempt is primed only where a NAT minds early packets. */
  get #needsHops(): boolean {
    const { filtering, forgiving, hops } = this.#expected!
    return filtering !== 'independent' && !forgiving && hops === 0
  }

  /** Only a symmetric NAT: what it seemed to tell of its hops was chance, and the sockets are needed. */
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
