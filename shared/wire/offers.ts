/**
 * How two peers agree on a tunnel (README.md, section 3). Bodies of frames:
 *
 *   OFFER     tunnel 16 · peer 32 · bytes16 Noise message 1 · expected 18 · downward only: bytes16 direction
 *   ANSWER    tunnel 16 · peer 32 · outcome u8 · bytes16 Noise message 2 · expected 18 · downward, accepted or ringing:
 *             bytes16 direction
 *   REJOIN    tunnel 16 · peer 32 · leg u8 (of the peer at this end) · downward only: bytes16 direction; none: the other peer
 *             is at no node. A peer that does not know the tunnel answers with an ANSWER, refused, without a Noise message
 *
 *   direction         count u8 · handshake addresses 18 each · key 32 · bytes16 grant
 *   Noise message 1   carries `flags u8 · str8 intent · sentAt u48`
 *   Noise message 2   carries `flags u8 · str8 reason`
 *   flags             bit 0 clear · bits 1 and 2 paths · bit 3, in message 1: `expected` is forgiving · bit 4: the sender
 *                     has ML-KEM. If both set it, the tunnel's first renewal of keys is hybrid (tunnel.ts, REKEY)
 *
 * `peer` is the other peer. `expected` is the address at which the sender's tunnel socket will probably be seen; zeros
 * mean that it is unknown. On the way to the node only its port counts. On the way to the peer, the node sets the IP to
 * the one at which it knows the sender. *Forgiving*: packets sent there before any came from there do no harm. The
 * Noise messages are end to end: no node can read their contents.
 */
import { fromBase32, type PeerId, type TunnelId, toBase32 } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import { PATHS, type Paths } from '../paths.ts'
import type { Address } from './address.ts'
import { ADDRESS_BYTES, Reader, type Writer } from './cursor.ts'
import { sized, utf8Length } from './frames.ts'
import { ANSWER_OUTCOME } from './numbers.ts'
import { readPeer, writePeer } from './presence.ts'

export const TUNNEL_ID_BYTES = 16
const KEY_BYTES = 32
const EMPTY = new Uint8Array(0)
const FORGIVING = 8
const HAS_KEM = 16
const OUTCOMES = new Map<number, AnswerOutcome>(
  Object.entries(ANSWER_OUTCOME).map(([name, number]) => [number, name as AnswerOutcome]),
)
const encoder = new TextEncoder()

/** `ringing`: the other peer has received the offer but not decided yet. */
export type AnswerOutcome = keyof typeof ANSWER_OUTCOME
/** The outcomes that the peer that received an offer may report. Nodes report the others. */
export const CALLEE_OUTCOMES: ReadonlySet<AnswerOutcome> = new Set(['accepted', 'refused'])
/** An outcome after which no other comes. */
export type FinalOutcome = Exclude<AnswerOutcome, 'ringing'>
/** 0: the side that made the offer. */
export type Leg = 0 | 1

/** Addresses of a HANDSHAKE for a tunnel, with the grant and key for joining there. */
export interface Direction {
  readonly handshake: readonly Address[]
  /** 32 bytes. */
  readonly key: Uint8Array
  readonly grant: Uint8Array
}

/** Port at which the sender of an offer will be seen, and how its NAT treats early packets. */
export interface Foreseen {
  /** Port of the tunnel's socket; 0 if it is unknown. */
  readonly port: number
  /** Early packets to that port do no harm. */
  readonly forgiving: boolean
}

export interface Offer {
  readonly tunnel: TunnelId
  readonly peer: PeerId
  readonly noise: Uint8Array
  readonly expected: Address
  readonly direction?: Direction
}

export interface Answer {
  readonly tunnel: TunnelId
  readonly peer: PeerId
  readonly outcome: AnswerOutcome
  /** Empty if a node answers, as it does for `ringing`. */
  readonly noise: Uint8Array
  readonly expected: Address
  readonly direction?: Direction
}

export interface Rejoin {
  readonly tunnel: TunnelId
  readonly peer: PeerId
  readonly leg: Leg
  readonly direction?: Direction
}

/** The terms of a tunnel that both sides agree on. */
export interface TunnelTerms {
  /** Datagrams are authenticated but not encrypted. */
  readonly clear: boolean
  readonly paths: Paths
}

/** Statements of a side about itself in its Noise message. */
export interface Abilities {
  /** It has ML-KEM-768. */
  readonly kem: boolean
}

export interface OfferPayload extends TunnelTerms, Abilities, Pick<Foreseen, 'forgiving'> {
  readonly intent: string
  readonly sentAt: number
}

export interface AnswerPayload extends TunnelTerms, Abilities {
  /** Reason of a refusal. */
  readonly reason: string
}

export function encodeOffer({ tunnel, peer, noise, expected, direction }: Offer): Uint8Array {
  const writer = sized(50 + noise.length + ADDRESS_BYTES + spaceOf(direction))
  writePeer(writeTunnel(writer, tunnel), peer).bytes16(noise).address(expected.words)
  return writeDirection(writer, direction).done()
}

export function decodeOffer(body: Uint8Array): Offer | undefined {
  const reader = new Reader(body)
  const [tunnel, peer, noise] = [readTunnel(reader), readPeer(reader), reader.bytes16().slice()]
  const [expected, direction] = [reader.address(), readDirection(reader)]
  return reader.ok ? { tunnel, peer, noise, expected, ...direction } : undefined
}

export function encodeAnswer({ tunnel, peer, outcome, noise, expected, direction }: Answer): Uint8Array {
  const writer = sized(51 + noise.length + ADDRESS_BYTES + spaceOf(direction))
  writePeer(writeTunnel(writer, tunnel), peer).u8(ANSWER_OUTCOME[outcome]).bytes16(noise)
  return writeDirection(writer.address(expected.words), direction).done()
}

export function decodeAnswer(body: Uint8Array): Answer | undefined {
  const reader = new Reader(body)
  const [tunnel, peer, outcome] = [readTunnel(reader), readPeer(reader), OUTCOMES.get(reader.u8())]
  const noise = reader.bytes16().slice()
  const [expected, direction] = [reader.address(), readDirection(reader)]
  if (!reader.ok || outcome === undefined) return undefined
  return { tunnel, peer, outcome, noise, expected, ...direction }
}

export function encodeRejoin({ tunnel, peer, leg, direction }: Rejoin): Uint8Array {
  const writer = sized(49 + spaceOf(direction))
  writePeer(writeTunnel(writer, tunnel), peer).u8(leg)
  return writeDirection(writer, direction).done()
}

export function decodeRejoin(body: Uint8Array): Rejoin | undefined {
  const reader = new Reader(body)
  const [tunnel, peer, leg] = [readTunnel(reader), readPeer(reader), reader.u8()]
  const direction = readDirection(reader)
  return reader.ok && isLeg(leg) ? { tunnel, peer, leg, ...direction } : undefined
}

export function encodeOfferPayload({ intent, sentAt, forgiving, ...terms }: OfferPayload): Uint8Array {
  const flags = flagsOf(terms) | (forgiving ? FORGIVING : 0)
  const writer = sized(8 + utf8Length(intent)).u8(flags)
  return writer.str8(intent).u48(sentAt).done()
}

export function decodeOfferPayload(bytes: Uint8Array): OfferPayload | undefined {
  const reader = new Reader(bytes)
  const [flags, intent, sentAt] = [reader.u8(), reader.str8(), reader.u48()]
  const terms = termsOf(flags)
  const forgiving = (flags & FORGIVING) !== 0
  return reader.ok && terms !== undefined ? { ...terms, intent, sentAt, forgiving } : undefined
}

export function encodeAnswerPayload({ reason, ...terms }: AnswerPayload): Uint8Array {
  return sized(2 + utf8Length(reason))
    .u8(flagsOf(terms))
    .str8(reason)
    .done()
}

export function decodeAnswerPayload(bytes: Uint8Array): AnswerPayload | undefined {
  const reader = new Reader(bytes)
  const [flags, reason] = [reader.u8(), reader.str8()]
  const terms = termsOf(flags)
  if (!reader.ok || terms === undefined || utf8Length(reason) > LIMITS.reasonBytes) return undefined
  return { ...terms, reason }
}

/** Prologue that binds both Noise messages of a tunnel to the protocol and the tunnel's id. */
export const tunnelPrologue = (tunnel: TunnelId): Uint8Array =>
  encoder.encode(`straightway/tunnel/1${tunnel}`)

export const isLeg = (leg: number): leg is Leg => leg === 0 || leg === 1

export const readTunnel = (reader: Reader): TunnelId => toBase32(reader.bytes(TUNNEL_ID_BYTES)) as TunnelId

export const writeTunnel = (writer: Writer, tunnel: TunnelId): Writer => writer.put(tunnelBytes(tunnel))

/** Throws if the text is not a TunnelId: ids come from `readTunnel` or from the seed. */
export function tunnelBytes(tunnel: TunnelId): Uint8Array {
  const bytes = fromBase32(tunnel)
  if (bytes?.length !== TUNNEL_ID_BYTES) throw new RangeError(`not a tunnel id: ${tunnel}`)
  return bytes
}

function spaceOf(direction: Direction | undefined): number {
  if (direction === undefined) return 0
  return 2 + sizeOf(direction)
}

const sizeOf = ({ handshake, grant }: Direction): number =>
  1 + handshake.length * ADDRESS_BYTES + KEY_BYTES + 2 + grant.length

function writeDirection(writer: Writer, direction: Direction | undefined): Writer {
  if (direction === undefined) return writer
  writer.u16(sizeOf(direction)).u8(direction.handshake.length)
  for (const { words } of direction.handshake) writer.address(words)
  return writer.put(direction.key).bytes16(direction.grant)
}

/** Returns an object to spread, so that an absent direction is an absent property. */
function readDirection(outer: Reader): { readonly direction?: Direction } {
  const bytes = outer.left > 0 ? outer.bytes16() : EMPTY
  if (!outer.ok || bytes.length === 0) return {}
  const reader = new Reader(bytes)
  const handshake = Array.from({ length: reader.u8() }, () => reader.address())
  const [key, grant] = [reader.bytes(KEY_BYTES).slice(), reader.bytes16().slice()]
  return reader.ok ? { direction: { handshake, key, grant } } : {}
}

const flagsOf = ({ clear, paths, kem }: TunnelTerms & Abilities): number =>
  (clear ? 1 : 0) | (PATHS.indexOf(paths) << 1) | (kem ? HAS_KEM : 0)

function termsOf(flags: number): (TunnelTerms & Abilities) | undefined {
  const paths = PATHS[(flags >>> 1) & 3]
  return paths && { clear: (flags & 1) !== 0, paths, kem: (flags & HAS_KEM) !== 0 }
}
