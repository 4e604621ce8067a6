/**
 * Messages between CHECKPOINT nodes (README.md, section 4).
 *
 *   NODE   51 20 · sealed for one node of the fleet, whose id is additional data (nonce 24 first, tag 16 last): str8 node · sentAt u48 · counter u64 · frames
 *
 * Bodies of frames, none with a `ref`:
 *
 *   FORWARD_MESSAGE   to 32 · from 32 · epoch u48 · sequence u32 · previous u32 · flags u8 · sentAt u48 · bytes16 body, and if
 *                     known: user 10 (of `from`) · network 10 (that both share; zeros if both belong to one user)
 *   FORWARD_RECEIPT   to 32 (who sent the message) · from 32 (who received it) · epoch u48 · sequence u32 · outcome u8 · with outcome `unreadable`: key u32
 *   FORWARD_OFFER     to 32 · from 32 · tunnel 16 · bytes16 Noise message 1 · str8 handshake node · expected 18
 *   FORWARD_ANSWER    to 32 · from 32 · tunnel 16 · outcome u8 · bytes16 Noise message 2 · str8 handshake node · expected 18
 *   FORWARD_REJOIN    to 32 · from 32 · tunnel 16 · leg u8 (of `from`) · str8 handshake node
 *   MOVED             peer 32 · since u48
 */
import {
  fromBase32,
  type NetworkId,
  type NodeId,
  type PeerId,
  type TunnelId,
  toBase32,
  type UserId,
} from '../ids.ts'
import type { Address } from './address.ts'
import { ADDRESS_BYTES, Reader, type Writer } from './cursor.ts'
import { sized, utf8Length } from './frames.ts'
import {
  type MessageNumber,
  type Outcome,
  type Predecessor,
  readOutcome,
  readPredecessor,
  writeOutcome,
  writePredecessor,
} from './messages.ts'
import { ANSWER_OUTCOME } from './numbers.ts'
import { type AnswerOutcome, isLeg, type Leg, readTunnel, writeTunnel } from './offers.ts'
import { readPeer, writePeer } from './presence.ts'

/** Two bytes of kind, and the bytes that sealing adds. */
export const NODE_OVERHEAD_BYTES = 2 + 24 + 16

/** 255: the recipient is not at this node. Peers never receive this outcome. */
const ANSWERS = { ...ANSWER_OUTCOME, notHere: 255 } as const
const ANSWER_NAMES = new Map<number, AnswerOutcome | 'notHere'>(
  Object.entries(ANSWERS).map(([name, number]) => [number, name as AnswerOutcome | 'notHere']),
)

export interface NodeHeader {
  readonly node: NodeId
  readonly sentAt: number
  /** Unique among the datagrams of one node. */
  readonly counter: number
}

/** The two peers: `to` is the one at the receiving node. */
export interface Between {
  readonly to: PeerId
  readonly from: PeerId
}

export interface ForwardedMessage extends Between, MessageNumber, Predecessor {
  readonly sentAt: number
  readonly body: Uint8Array
  /** The sender. With it the recipient's node can forward replies without a look-up. Absent if it has to look up. */
  readonly sender?: Sender | undefined
}

/** A peer that is not invisible, and whose user blocks nobody. */
export interface Sender {
  readonly user: UserId
  /** A network that sender and recipient share; undefined if both belong to one user. */
  readonly network: NetworkId | undefined
}

export interface ForwardedReceipt extends Between, MessageNumber, Outcome {}

export interface ForwardedOffer extends Between {
  readonly tunnel: TunnelId
  readonly noise: Uint8Array
  readonly handshake: NodeId
  /** Expected address of the tunnel's socket of `from`; zeros if unknown. */
  readonly expected: Address
}

export interface ForwardedAnswer extends ForwardedOffer {
  readonly outcome: AnswerOutcome | 'notHere'
}

export interface ForwardedRejoin extends Between {
  readonly tunnel: TunnelId
  readonly leg: Leg
  readonly handshake: NodeId
}

export interface Moved {
  readonly peer: PeerId
  readonly since: number
}

export const headerBytes = (node: NodeId): number => 15 + utf8Length(node)

export function writeHeader(writer: Writer, { node, sentAt, counter }: NodeHeader): Writer {
  return writer.str8(node).u48(sentAt).u64(counter)
}

export function readHeader(reader: Reader): NodeHeader | undefined {
  const [node, sentAt, counter] = [reader.str8() as NodeId, reader.u48(), reader.u64()]
  return reader.ok ? { node, sentAt, counter } : undefined
}

export function encodeForwardedMessage(message: ForwardedMessage): Uint8Array {
  const { epoch, sequence, sentAt, body, sender } = message
  const told = sender === undefined ? undefined : senderBytes(sender)
  const writer = writeBetween(sized(87 + body.length + (told?.length ?? 0)), message)
    .u48(epoch)
    .u32(sequence)
  writePredecessor(writer, message).u48(sentAt).bytes16(body)
  return (told === undefined ? writer : writer.put(told)).done()
}

export function decodeForwardedMessage(bytes: Uint8Array): ForwardedMessage | undefined {
  const reader = new Reader(bytes)
  const [between, epoch, sequence] = [readBetween(reader), reader.u48(), reader.u32()]
  const predecessor = readPredecessor(reader)
  const [sentAt, body] = [reader.u48(), reader.bytes16().slice()]
  if (!reader.ok) return undefined
  const message = { ...between, epoch, sequence, ...predecessor, sentAt, body }
  return reader.left < SENDER_BYTES ? message : { ...message, sender: readSender(reader) }
}

/** Bytes of the id of a user or of a network. */
const ID_BYTES = 10
const SENDER_BYTES = 2 * ID_BYTES

/** Undefined if an id has no bytes: then nothing is told. */
function senderBytes({ user, network }: Sender): Uint8Array | undefined {
  const ids = [fromBase32(user.slice(2)), network === undefined ? NO_ID : fromBase32(network.slice(2))]
  if (ids.some((id) => id?.length !== ID_BYTES)) return undefined
  return Uint8Array.from(ids.flatMap((id) => [...id!]))
}

function readSender(reader: Reader): Sender {
  const [user, network] = [reader.bytes(ID_BYTES), reader.bytes(ID_BYTES)]
  const isOwn = network.every((byte) => byte === 0)
  return {
    user: `u_${toBase32(user)}` as UserId,
    network: isOwn ? undefined : (`n_${toBase32(network)}` as NetworkId),
  }
}

const NO_ID = new Uint8Array(ID_BYTES)

export function encodeForwardedReceipt(receipt: ForwardedReceipt): Uint8Array {
  const { epoch, sequence } = receipt
  const writer = writeBetween(sized(79), receipt).u48(epoch).u32(sequence)
  return writeOutcome(writer, receipt).done()
}

export function decodeForwardedReceipt(bytes: Uint8Array): ForwardedReceipt | undefined {
  const reader = new Reader(bytes)
  const [between, epoch, sequence] = [readBetween(reader), reader.u48(), reader.u32()]
  const outcome = readOutcome(reader)
  return outcome && { ...between, epoch, sequence, ...outcome }
}

export function encodeForwardedOffer(offer: ForwardedOffer): Uint8Array {
  const { tunnel, noise, handshake, expected } = offer
  const writer = writeBetween(sized(83 + noise.length + utf8Length(handshake) + ADDRESS_BYTES), offer)
  return writeTunnel(writer, tunnel).bytes16(noise).str8(handshake).address(expected.words).done()
}

export function decodeForwardedOffer(bytes: Uint8Array): ForwardedOffer | undefined {
  const reader = new Reader(bytes)
  const [between, tunnel] = [readBetween(reader), readTunnel(reader)]
  const [noise, handshake] = [reader.bytes16().slice(), reader.str8() as NodeId]
  const expected = reader.address()
  return reader.ok ? { ...between, tunnel, noise, handshake, expected } : undefined
}

export function encodeForwardedAnswer(answer: ForwardedAnswer): Uint8Array {
  const { tunnel, outcome, noise, handshake, expected } = answer
  const writer = writeBetween(sized(84 + noise.length + utf8Length(handshake) + ADDRESS_BYTES), answer)
  writeTunnel(writer, tunnel).u8(ANSWERS[outcome])
  return writer.bytes16(noise).str8(handshake).address(expected.words).done()
}

export function decodeForwardedAnswer(bytes: Uint8Array): ForwardedAnswer | undefined {
  const reader = new Reader(bytes)
  const [between, tunnel, outcome] = [readBetween(reader), readTunnel(reader), ANSWER_NAMES.get(reader.u8())]
  const [noise, handshake] = [reader.bytes16().slice(), reader.str8() as NodeId]
  const expected = reader.address()
  if (!reader.ok || outcome === undefined) return undefined
  return { ...between, tunnel, outcome, noise, handshake, expected }
}

export function encodeForwardedRejoin(rejoin: ForwardedRejoin): Uint8Array {
  const { tunnel, leg, handshake } = rejoin
  const writer = writeBetween(sized(82 + utf8Length(handshake)), rejoin)
  return writeTunnel(writer, tunnel).u8(leg).str8(handshake).done()
}

export function decodeForwardedRejoin(bytes: Uint8Array): ForwardedRejoin | undefined {
  const reader = new Reader(bytes)
  const [between, tunnel] = [readBetween(reader), readTunnel(reader)]
  const [leg, handshake] = [reader.u8(), reader.str8() as NodeId]
  return reader.ok && isLeg(leg) ? { ...between, tunnel, leg, handshake } : undefined
}

export function encodeMoved({ peer, since }: Moved): Uint8Array {
  return writePeer(sized(38), peer).u48(since).done()
}

export function decodeMoved(bytes: Uint8Array): Moved | undefined {
  const reader = new Reader(bytes)
  const [peer, since] = [readPeer(reader), reader.u48()]
  return reader.ok ? { peer, since } : undefined
}

function writeBetween(writer: Writer, { to, from }: Between): Writer {
  return writePeer(writePeer(writer, to), from)
}

function readBetween(reader: Reader): Between {
  const [to, from] = [readPeer(reader), readPeer(reader)]
  return { to, from }
}
