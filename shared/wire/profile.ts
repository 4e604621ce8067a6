/**
 * PROFILE: a peer's description of its own side of the network, sent to the HANDSHAKE (README.md, section 5):
 *
 *   mapping u8 · filtering u8 · allocation u8 · step u16 · low u16 · high u16 · hops u8 · flags u8 · paths u8
 *   count u8 · candidates: kind u8 · address 18 · next u16
 *
 * Classes are those of RFC 4787 and RFC 5780. An unknown number is read as `unknown`.
 */
import { PATHS, type Paths } from '../paths.ts'
import type { Address } from './address.ts'
import { ADDRESS_BYTES, type Reader, type Writer } from './cursor.ts'

/** More candidates than a host with a dozen interfaces has; the rest of a longer list is ignored. */
export const MAX_CANDIDATES = 16
export const MAX_PROFILE_BYTES = 15 + MAX_CANDIDATES * (1 + ADDRESS_BYTES)

const DEPENDENCE = ['unknown', 'independent', 'address', 'addressAndPort'] as const
const ALLOCATION = ['unknown', 'preserving', 'sequential', 'block', 'random'] as const
const CANDIDATE = ['host', 'reflexive', 'mapped'] as const
const OVERLOADS = ['unknown', 'yes', 'no'] as const

/** The part of the remote address on which a mapping or a filter depends: nothing, the IP, or the IP and port. */
export type Dependence = (typeof DEPENDENCE)[number]
export type Allocation = (typeof ALLOCATION)[number]
/** True if one public port of a NAT serves flows to several destinations (port overloading). */
export type Overloads = (typeof OVERLOADS)[number]
export type CandidateKind = (typeof CANDIDATE)[number]

export interface Candidate {
  readonly kind: CandidateKind
  readonly address: Address
}

export interface Profile {
  readonly mapping: Dependence
  readonly filtering: Dependence
  readonly allocation: Allocation
  /** Distance between ports assigned one after another; 0 if unknown. */
  readonly step: number
  /** Lowest and highest mapped port seen; 0 for none. */
  readonly low: number
  readonly high: number
  /** Hops to the outermost NAT of the peer; 0 if unknown. */
  readonly hops: number
  readonly hairpin: boolean
  readonly udpBlocked: boolean
  /** The evidence is complete and will not improve. */
  readonly ready: boolean
  /** Takes no part in `scatter`, which its network would mistake for an attack. */
  readonly quiet: boolean
  /** Unrequested packets create no state in its NAT, so an early packet does no harm. */
  readonly forgiving: boolean
  /** `no` only after samples that were taken for this question. */
  readonly overloads: Overloads
  /** Servers saw one socket at several public IPv4 addresses: its NAT draws from a pool. */
  readonly pooled: boolean
  readonly paths: Paths
  readonly candidates: readonly Candidate[]
  /** Port that the NAT assigns next, as measured a moment ago; 0 if unknown. */
  readonly next: number
}

export const UNKNOWN_PROFILE: Profile = {
  mapping: 'unknown',
  filtering: 'unknown',
  allocation: 'unknown',
  step: 0,
  low: 0,
  high: 0,
  hops: 0,
  hairpin: false,
  udpBlocked: false,
  ready: false,
  quiet: false,
  forgiving: false,
  overloads: 'unknown',
  pooled: false,
  paths: 'auto',
  candidates: [],
  next: 0,
}

export function writeProfile(writer: Writer, profile: Profile): void {
  writer
    .u8(DEPENDENCE.indexOf(profile.mapping))
    .u8(DEPENDENCE.indexOf(profile.filtering))
    .u8(ALLOCATION.indexOf(profile.allocation))
    .u16(profile.step)
    .u16(profile.low)
    .u16(profile.high)
    .u8(profile.hops)
    .u8(flagsOf(profile))
    .u8(PATHS.indexOf(profile.paths))
  writeCandidates(writer, profile.candidates.slice(0, MAX_CANDIDATES))
  writer.u16(profile.next)
}

/** Undefined if it is too short. */
export function readProfile(reader: Reader): Profile | undefined {
  const [mapping, filtering, allocation] = [reader.u8(), reader.u8(), reader.u8()]
  const [step, low, high, hops] = [reader.u16(), reader.u16(), reader.u16(), reader.u8()]
  const [flags, paths] = [reader.u8(), reader.u8()]
  const candidates = readCandidates(reader)
  const next = reader.u16()
  if (!reader.ok) return undefined
  return {
    mapping: DEPENDENCE[mapping] ?? 'unknown',
    filtering: DEPENDENCE[filtering] ?? 'unknown',
    allocation: ALLOCATION[allocation] ?? 'unknown',
    step,
    low,
    high,
    hops,
    hairpin: (flags & 1) !== 0,
    udpBlocked: (flags & 2) !== 0,
    ready: (flags & 4) !== 0,
    quiet: (flags & 8) !== 0,
    forgiving: (flags & 16) !== 0,
    overloads: OVERLOADS[(flags >> 5) & 3] ?? 'unknown',
    pooled: (flags & 128) !== 0,
    paths: PATHS[paths] ?? 'auto',
    candidates,
    next,
  }
}

function flagsOf({ hairpin, udpBlocked, ready, quiet, forgiving, overloads, pooled }: Profile): number {
  const overloading = [overloads === 'yes', overloads === 'no']
  const flags = [hairpin, udpBlocked, ready, quiet, forgiving, ...overloading, pooled]
  return flags.reduce((sum, flag, bit) => sum | (flag ? 1 << bit : 0), 0)
}

function writeCandidates(writer: Writer, candidates: readonly Candidate[]): void {
  writer.u8(candidates.length)
  for (const { kind, address } of candidates) writer.u8(CANDIDATE.indexOf(kind)).address(address.words)
}

/** Candidates of an unknown kind are skipped. */
function readCandidates(reader: Reader): readonly Candidate[] {
  const candidates: Candidate[] = []
  for (let left = reader.u8(); left > 0 && reader.ok; left--) {
    const kind = CANDIDATE[reader.u8()]
    const address = reader.address()
    if (kind !== undefined && reader.ok && candidates.length < MAX_CANDIDATES)
      candidates.push({ kind, address })
  }
  return candidates
}
