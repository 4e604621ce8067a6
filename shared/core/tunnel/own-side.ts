/**
 * A tunnel's report of its own side of the network: its addresses, and the findings of tests, here and on other sockets of
 * the host.
 */
import type { Paths } from '../../paths.ts'
import { type Address, formatIp } from '../../wire/address.ts'
import { type Candidate, MAX_CANDIDATES, type Profile, UNKNOWN_PROFILE } from '../../wire/profile.ts'
import { reachable } from '../port-mapping/reachable.ts'
import type { Allocation } from './allocation.ts'
import type { Evidence } from './evidence.ts'
import type { Hops } from './hops.ts'
import { isForeseeable, type NatClass } from './nat-class.ts'

/** Mapped addresses in the profile; the newest are kept. */
const MAX_REFLEXIVE = 4

export interface OwnSideOptions {
  readonly paths: Paths
  readonly candidates: readonly Candidate[]
  readonly quiet: boolean
  readonly nat: NatClass | undefined
  readonly udpBlocked: boolean
}

export interface Tests {
  readonly evidence: Evidence
  readonly hops: Hops
  readonly allocation: Allocation
}

export class OwnSide {
  candidates: readonly Candidate[]
  /** If true, nothing is tested. Takes effect at the next attempt. */
  udpBlocked: boolean
  readonly #paths: Paths
  readonly #quiet: boolean
  readonly #tests: Tests
  /** Class of the NAT found by other sockets, used until the evidence is there. */
  #expected: NatClass | undefined

  constructor({ paths, candidates, quiet, nat, udpBlocked }: OwnSideOptions, tests: Tests) {
    this.#paths = paths
    this.#quiet = quiet
    this.#tests = tests
    this.#expected = nat
    this.candidates = candidates
    this.udpBlocked = udpBlocked
  }

  /** The network may be another one: forgets what other sockets found. */
  expectNothing(): void {
    this.#expected = undefined
  }

  /** True if the socket is expected to be seen at its own port, by what other sockets found. */
  get isForeseeable(): boolean {
    return isForeseeable(this.#expected)
  }

  /** True if a direct path is possible at all. */
  get isNeeded(): boolean {
    return this.#paths !== 'relay-only' && !this.udpBlocked
  }

  /** True if what other sockets found is enough to begin an attempt with. */
  get isHopeful(): boolean {
    return isEnough(this.#expected)
  }

  /** The same, until the evidence of this socket is there. */
  get hasHope(): boolean {
    return this.#hope !== undefined
  }

  /**
   * True if other sockets found the NAT symmetric. The hop test shows nothing then, and each of its requests would take
   * a port of the NAT.
   */
  get isHard(): boolean {
    return this.#expected !== undefined && isSymmetric(this.#expected)
  }

  /**
   * True if a first attempt needs the number of hops: it sends priming packets if the NAT reacts badly to early
   * packets.
   */
  get needsHops(): boolean {
    const { filtering, forgiving, hops } = this.#expected!
    return filtering !== 'independent' && !forgiving && hops === 0
  }

  /** Addresses of the host's interfaces. */
  get hosts(): readonly Address[] {
    return this.candidates.filter(({ kind }) => kind === 'host').map(({ address }) => address)
  }

  /** Ports that a router mapped, if the router itself has the public address. */
  get mapped(): readonly Candidate[] {
    return reachable(this.candidates, this.#tests.evidence.reflexive)
  }

  /** The class of the NAT by this socket's own evidence, for other sockets. */
  get natClass(): NatClass {
    const { evidence, hops } = this.#tests
    const { mapping, filtering, allocation } = evidence.profile
    const least = isSymmetric({ mapping }) ? 0 : hops.least
    return { mapping, filtering, allocation, ...this.#traits, hops: least }
  }

  profile(ready: boolean): Profile {
    const { udpBlocked } = this
    const [paths, quiet] = [this.#paths, this.#quiet]
    if (!this.isNeeded) return { ...UNKNOWN_PROFILE, ready: true, paths, udpBlocked }
    const { evidence, hops: measured, allocation } = this.#tests
    const reflexive = evidence.reflexive.map((address) => ({ kind: 'reflexive', address }) as const)
    const others = this.candidates.filter(({ kind }) => kind !== 'mapped')
    const known = [...this.mapped, ...reflexive.slice(-MAX_REFLEXIVE), ...others]
    const hope = this.#hope
    const classes = { ...evidence.profile, ...hope, ...this.#traits }
    const tellsHops = classes.filtering !== 'independent' && !isSymmetric(classes)
    const hops = tellsHops ? measured.least || (hope?.hops ?? 0) : 0
    const { found, next } = allocation
    const candidates = known.slice(0, MAX_CANDIDATES)
    return { ...UNKNOWN_PROFILE, ...classes, hops, ...found, next, ready, quiet, paths, candidates }
  }

  /** Text that is equal for two attempts behind the same NATs, whatever ports those assign. */
  get network(): string {
    const { mapping, filtering, allocation, udpBlocked, candidates } = this.profile(true)
    const ips = candidates.map(({ kind, address }) => `${kind} ${formatIp(address.words)}`)
    return [mapping, filtering, allocation, udpBlocked, ...new Set(ips)].join()
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
    return this.isHopeful && !this.#tests.evidence.ready ? this.#expected : undefined
  }
}

const isEnough = (nat: NatClass | undefined): boolean =>
  nat?.mapping === 'independent' && nat.filtering !== 'unknown'

export const isSymmetric = ({ mapping }: Pick<Profile, 'mapping'>): boolean =>
  mapping === 'address' || mapping === 'addressAndPort'
