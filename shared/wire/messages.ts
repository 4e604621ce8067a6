/**
 * Instant messages (README.md, section 3). Bodies of frames:
 *
 *   MESSAGE   peer 32 · epoch u48 · sequence u32 · previous u32 · flags u8 · sentAt u48 · bytes16 body
 *   RECEIPT   peer 32 · epoch u48 · sequence u32 · outcome u8 · with outcome `unreadable`: key u32 (absent: unknown)
 *
 *   body      key u32 (number of a prekey of the recipient; 0: its identity) · Noise message, sealed by the sender for the recipient alone
 *
 * `peer` is the other peer: the recipient on the way to the node, the sender on the way to the recipient. Flags: bit 0
 * is `previousIsStored`, on the way to the node only.
 */
import type { PeerId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import { Reader, type Writer } from './cursor.ts'
import { sized } from './frames.ts'
import { RECEIPT_OUTCOME } from './numbers.ts'
import { readPeer, writePeer } from './presence.ts'

export type ReceiptOutcome = keyof typeof RECEIPT_OUTCOME

/** The outcomes that the recipient of a message may report. Nodes report the others. */
export const RECIPIENT_OUTCOMES: ReadonlySet<ReceiptOutcome> = new Set(['delivered', 'unreadable'])

const OUTCOMES = new Map<number, ReceiptOutcome>(
  Object.entries(RECEIPT_OUTCOME).map(([name, number]) => [number, name as ReceiptOutcome]),
)

/** Identifies one message of a sender to a recipient. */
export interface MessageNumber {
  /** Time at which the sender's SDK started. */
  readonly epoch: number
  /** 1, 2, 3 .. within the epoch, to one recipient. */
  readonly sequence: number
}

/** The message that comes before this one. */
export interface Predecessor {
  /** Greatest earlier sequence that was neither refused nor delivered; 0 for none. */
  readonly previous: number
  /** `previous` was answered with `stored`: it is in the mailbox, or nothing has to wait for it any more. */
  readonly previousIsStored: boolean
}

export interface Message extends MessageNumber, Predecessor {
  readonly peer: PeerId
  readonly sentAt: number
  readonly body: Uint8Array
}

/** Number of the key that belongs to a peer's identity. */
export const IDENTITY_KEY = 0
const KEY_NUMBER_BYTES = 4
/** Size of a key number, an ephemeral key and a tag. */
export const SEALED_BODY_OVERHEAD = KEY_NUMBER_BYTES + 32 + 16
/** The longest body of a MESSAGE. */
export const MAX_SEALED_BODY_BYTES = LIMITS.messageBytes + SEALED_BODY_OVERHEAD
const PROLOGUE = new TextEncoder().encode('straightway/message/1')

export interface SealedBody {
  /** Number of the recipient's key that the body is sealed for. */
  readonly key: number
  /** Made by `crypto/sealed-message.ts`. */
  readonly sealed: Uint8Array
}

/** The outcome of a message. `key`: of an `unreadable` one, the number of the key that it was sealed for, if known. */
export interface Outcome {
  readonly outcome: ReceiptOutcome
  readonly key?: number
}

export interface Receipt extends MessageNumber, Outcome {
  readonly peer: PeerId
}

export function encodeMessage(message: Message): Uint8Array {
  const { peer, epoch, sequence, sentAt, body } = message
  const writer = writePeer(sized(55 + body.length), peer)
    .u48(epoch)
    .u32(sequence)
  return writePredecessor(writer, message).u48(sentAt).bytes16(body).done()
}

export function decodeMessage(bytes: Uint8Array): Message | undefined {
  const reader = new Reader(bytes)
  const [peer, epoch, sequence] = [readPeer(reader), reader.u48(), reader.u32()]
  const predecessor = readPredecessor(reader)
  const [sentAt, body] = [reader.u48(), reader.bytes16().slice()]
  const ordered = sequence > 0 && predecessor.previous < sequence
  return reader.ok && ordered ? { peer, epoch, sequence, ...predecessor, sentAt, body } : undefined
}

export function encodeSealedBody({ key, sealed }: SealedBody): Uint8Array {
  return sized(KEY_NUMBER_BYTES + sealed.length)
    .u32(key)
    .put(sealed)
    .done()
}

export function decodeSealedBody(bytes: Uint8Array): SealedBody | undefined {
  const reader = new Reader(bytes)
  const [key, sealed] = [reader.u32(), reader.bytes(reader.left)]
  return reader.ok ? { key, sealed } : undefined
}

/** Prologue that binds a sealed body to its sender, recipient, number, time and key. */
export function messagePrologue(
  from: PeerId,
  to: PeerId,
  { epoch, sequence, sentAt }: Pick<Message, 'epoch' | 'sequence' | 'sentAt'>,
  key: number,
): Uint8Array {
  const writer = writePeer(writePeer(sized(PROLOGUE.length + 84).put(PROLOGUE), from), to)
  return writer.u48(epoch).u32(sequence).u48(sentAt).u32(key).done()
}

export const writePredecessor = (writer: Writer, { previous, previousIsStored }: Predecessor): Writer =>
  writer.u32(previous).u8(previousIsStored ? 1 : 0)

export function readPredecessor(reader: Reader): Predecessor {
  const [previous, flags] = [reader.u32(), reader.u8()]
  return { previous, previousIsStored: (flags & 1) === 1 }
}

export function encodeReceipt(receipt: Receipt): Uint8Array {
  const { peer, epoch, sequence } = receipt
  const writer = writePeer(sized(47), peer).u48(epoch).u32(sequence)
  return writeOutcome(writer, receipt).done()
}

export function decodeReceipt(bytes: Uint8Array): Receipt | undefined {
  const reader = new Reader(bytes)
  const [peer, epoch, sequence] = [readPeer(reader), reader.u48(), reader.u32()]
  const outcome = readOutcome(reader)
  return outcome && { peer, epoch, sequence, ...outcome }
}

export function writeOutcome(writer: Writer, { outcome, key }: Outcome): Writer {
  writer.u8(RECEIPT_OUTCOME[outcome])
  return outcome === 'unreadable' && key !== undefined ? writer.u32(key) : writer
}

/** Reads an outcome, which is the last field of its frame. Undefined if it is none, or a field before it was missing. */
export function readOutcome(reader: Reader): Outcome | undefined {
  const outcome = OUTCOMES.get(reader.u8())
  if (!reader.ok || outcome === undefined) return undefined
  if (outcome !== 'unreadable' || reader.left < KEY_NUMBER_BYTES) return { outcome }
  return { outcome, key: reader.u32() }
}
