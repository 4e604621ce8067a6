/**
 * Messages between a peer and a HANDSHAKE (README.md, section 5).
 *
 *   JOIN      51 10 · index u32 (the peer's) · bytes16 grant · nonce 24 · sealed(random 16 · PROFILE)
 *   JOINED    51 11 · index u32 (the peer's) · index u32 (the node's) · nonce 24 · sealed(random 16 · observed 18 · serverTime u48)
 *   RELAYED   relay 18 · bytes16 grant · key 32
 *   STEP      step u16 · kind u8 · role u8 · startInMs u16 · timeoutMs u16 · ttl u8 · intervalMs u16 · rounds u8 · sockets u16
 *             count u8 · targets: address 18 · proven u8 · paceMs u8 · volley 15 (`volley.ts`)
 *   RESULT    step u16 · outcome u8 · reached 18 · elapsedMs u16 · packets u16
 *   OUTCOME   path u8 · whyNotDirect u8
 *
 * JOIN and JOINED are datagrams, the others are bodies of frames. In a RESULT that failed, `reached` is the address at
 * which small probes were answered but full-sized ones were not; zeros if there is none.
 */
import { WHY_NOT_DIRECT, type WhyNotDirect, whyNotDirectOf } from '../why-not-direct.ts'
import type { Address } from './address.ts'
import { Reader, Writer } from './cursor.ts'
import { KIND, STEP_KIND, VERSION } from './numbers.ts'
import { MAX_PROFILE_BYTES, type Profile, readProfile, writeProfile } from './profile.ts'
import { readVolley, VOLLEY_BYTES, type Volley, writeVolley } from './volley.ts'

/** Limit of the addresses that one step can make a peer send to. */
export const MAX_TARGETS = 16
export const RANDOM_BYTES = 16
export const NONCE_BYTES = 24
/** Longest sealed JOIN body before sealing. */
export const MAX_JOIN_BODY_BYTES = RANDOM_BYTES + MAX_PROFILE_BYTES

const KINDS = Object.keys(STEP_KIND) as (keyof typeof STEP_KIND)[]
const OUTCOMES = ['direct', 'failed', 'impossible'] as const

export type StepKind = keyof typeof STEP_KIND
export type StepOutcome = (typeof OUTCOMES)[number]

export interface Join {
  readonly index: number
  readonly grant: Uint8Array
  readonly nonce: Uint8Array
  readonly sealed: Uint8Array
}

export interface JoinBody {
  readonly random: Uint8Array
  readonly profile: Profile
}

export interface Joined {
  readonly index: number
  readonly nodeIndex: number
  readonly nonce: Uint8Array
  readonly sealed: Uint8Array
}

export interface JoinedBody {
  readonly random: Uint8Array
  readonly observed: Address
  readonly serverTime: number
}

export interface Relayed {
  readonly relay: Address
  readonly grant: Uint8Array
  readonly key: Uint8Array
}

export interface Step {
  readonly step: number
  readonly kind: StepKind
  /** 0: both sides do the same, or this side waits; 1: this side sends first; 2: measure only, send to nobody. */
  readonly role: number
  /** Time from the arrival of the step to the first packet; the sender has allowed for the latency. */
  readonly startInMs: number
  readonly timeoutMs: number
  /** TTL of the packets of the first round; 0 for the system's default. */
  readonly ttl: number
  readonly intervalMs: number
  readonly rounds: number
  /** Number of sockets to send from: 1 is the tunnel's own, more are fresh ones. */
  readonly sockets: number
  readonly targets: readonly Address[]
  /** Number of the target, from 1, at which the HANDSHAKE itself has seen the other side; 0 for none. */
  readonly proven: number
  /** Time between two packets; 0 sends a round without pause. */
  readonly paceMs: number
  /** Ports to send to instead of the targets' own. */
  readonly volley: Volley | undefined
}

export interface Result {
  readonly step: number
  readonly outcome: StepOutcome
  /** Address at which the other side was reached; zeros for none. */
  readonly reached: Address
  readonly elapsedMs: number
  readonly packets: number
}

export interface Outcome {
  readonly path: 'direct' | 'relayed'
  readonly whyNotDirect: WhyNotDirect
}

export function encodeJoin(join: Join): Uint8Array {
  const { grant, sealed } = join
  const writer = sized(8 + grant.length + NONCE_BYTES + sealed.length)
  writer.u8(VERSION).u8(KIND.JOIN).u32(join.index).bytes16(grant)
  return writer.put(join.nonce).put(sealed).done()
}

/** Decodes the whole datagram. Byte fields are views. */
export function decodeJoin(bytes: Uint8Array): Join | undefined {
  const reader = new Reader(bytes, 2)
  const [index, grant] = [reader.u32(), reader.bytes16()]
  const [nonce, sealed] = [reader.bytes(NONCE_BYTES), reader.rest()]
  return reader.ok ? { index, grant, nonce, sealed } : undefined
}

export function encodeJoinBody({ random, profile }: JoinBody): Uint8Array {
  const writer = sized(MAX_JOIN_BODY_BYTES).put(random)
  writeProfile(writer, profile)
  return writer.done()
}

export function decodeJoinBody(bytes: Uint8Array): JoinBody | undefined {
  const reader = new Reader(bytes)
  const random = new Uint8Array(reader.bytes(RANDOM_BYTES))
  const profile = readProfile(reader)
  return profile === undefined ? undefined : { random, profile }
}

export function encodeJoined({ index, nodeIndex, nonce, sealed }: Joined): Uint8Array {
  const writer = sized(10 + NONCE_BYTES + sealed.length)
  return writer.u8(VERSION).u8(KIND.JOINED).u32(index).u32(nodeIndex).put(nonce).put(sealed).done()
}

export function decodeJoined(bytes: Uint8Array): Joined | undefined {
  const reader = new Reader(bytes, 2)
  const [index, nodeIndex] = [reader.u32(), reader.u32()]
  const [nonce, sealed] = [reader.bytes(NONCE_BYTES), reader.rest()]
  return reader.ok ? { index, nodeIndex, nonce, sealed } : undefined
}

export function encodeJoinedBody({ random, observed, serverTime }: JoinedBody): Uint8Array {
  return sized(40).put(random).address(observed.words).u48(serverTime).done()
}

export function decodeJoinedBody(bytes: Uint8Array): JoinedBody | undefined {
  const reader = new Reader(bytes)
  const random = new Uint8Array(reader.bytes(RANDOM_BYTES))
  const [observed, serverTime] = [reader.address(), reader.u48()]
  return reader.ok ? { random, observed, serverTime } : undefined
}

export function encodeProfile(profile: Profile): Uint8Array {
  const writer = sized(MAX_PROFILE_BYTES)
  writeProfile(writer, profile)
  return writer.done()
}

export function decodeProfile(bytes: Uint8Array): Profile | undefined {
  return readProfile(new Reader(bytes))
}

export function encodeRelayed({ relay, grant, key }: Relayed): Uint8Array {
  return sized(52 + grant.length)
    .address(relay.words)
    .bytes16(grant)
    .put(key)
    .done()
}

export function decodeRelayed(bytes: Uint8Array): Relayed | undefined {
  const reader = new Reader(bytes)
  const relay = reader.address()
  const [grant, key] = [new Uint8Array(reader.bytes16()), new Uint8Array(reader.bytes(32))]
  return reader.ok ? { relay, grant, key } : undefined
}

export function encodeStep(step: Step): Uint8Array {
  const targets = step.targets.slice(0, MAX_TARGETS)
  const writer = sized(17 + 18 * targets.length + VOLLEY_BYTES)
  writer.u16(step.step).u8(STEP_KIND[step.kind]).u8(step.role).u16(step.startInMs).u16(step.timeoutMs)
  writer.u8(step.ttl).u16(step.intervalMs).u8(step.rounds).u16(step.sockets).u8(targets.length)
  for (const { words } of targets) writer.address(words)
  writeVolley(writer.u8(step.proven).u8(step.paceMs), step.volley)
  return writer.done()
}

/** Undefined also if the kind is unknown. Targets beyond MAX_TARGETS are ignored. */
export function decodeStep(bytes: Uint8Array): Step | undefined {
  const reader = new Reader(bytes)
  const [step, kind, role] = [reader.u16(), KINDS[reader.u8()], reader.u8()]
  const [startInMs, timeoutMs, ttl] = [reader.u16(), reader.u16(), reader.u8()]
  const [intervalMs, rounds, sockets] = [reader.u16(), reader.u8(), reader.u16()]
  const count = Math.min(reader.u8(), MAX_TARGETS)
  const targets = Array.from({ length: count }, () => reader.address())
  const [proven, paceMs, volley] = [reader.u8(), reader.u8(), readVolley(reader)]
  if (!reader.ok || kind === undefined) return undefined
  const times = { startInMs, timeoutMs, intervalMs, paceMs }
  return { step, kind, role, ...times, ttl, rounds, sockets, targets, proven, volley }
}

export function encodeResult({ step, outcome, reached, elapsedMs, packets }: Result): Uint8Array {
  const writer = sized(25).u16(step).u8(OUTCOMES.indexOf(outcome)).address(reached.words)
  return writer.u16(Math.min(elapsedMs, 0xffff)).u16(Math.min(packets, 0xffff)).done()
}

export function decodeResult(bytes: Uint8Array): Result | undefined {
  const reader = new Reader(bytes)
  const [step, outcome, reached] = [reader.u16(), OUTCOMES[reader.u8()], reader.address()]
  const [elapsedMs, packets] = [reader.u16(), reader.u16()]
  return reader.ok && outcome !== undefined ? { step, outcome, reached, elapsedMs, packets } : undefined
}

export function encodeOutcome({ path, whyNotDirect }: Outcome): Uint8Array {
  return Uint8Array.of(path === 'direct' ? 0 : 1, WHY_NOT_DIRECT[whyNotDirect].number)
}

export function decodeOutcome(bytes: Uint8Array): Outcome | undefined {
  const reader = new Reader(bytes)
  const [path, why] = [reader.u8(), reader.u8()]
  return reader.ok
    ? { path: path === 0 ? 'direct' : 'relayed', whyNotDirect: whyNotDirectOf(why) }
    : undefined
}

const sized = (bytes: number): Writer => new Writer(new Uint8Array(bytes))
