/**
 * Instant messages (README.md, section 3). Bodies of frames:
 *
 *   MESSAGE   peer 32 · epoch u48 · sequence u32 · previous u32 · sentAt u48 · bytes16 body
 *   RECEIPT   peer 32 · epoch u48 · sequence u32 · outcome u8
 *
 * `peer` is the other one: the recipient of a message on its way up, its sender on its way down.
 */
import type { PeerId } from '../ids.ts'
import { Reader } from './cursor.ts'
import { sized } from './frames.ts'
import { RECEIPT_OUTCOME } from './numbers.ts'
import { readPeer, writePeer } from './presence.ts'

export type ReceiptOutcome = keyof typeof RECEIPT_OUTCOME

const OUTCOMES = new Map<number, ReceiptOutcome>(
  Object.entries(RECEIPT_OUTCOME).map(([name, number]) => [number, name as ReceiptOutcome]),
)

/** What tells one message of a sender from all others. */
export interface MessageNumber {
  /** When the sender's SDK started. */
  readonly epoch: number
  /** 1, 2, 3 .. within the epoch, to one recipient. */
  readonly sequence: number
}

export interface Message extends MessageNumber {
  readonly peer: PeerId
  /** The greatest sequence below this one that was not refused; 0: none. */
  readonly previous: number
  readonly sentAt: number
  readonly body: Uint8Array
}

export interface Receipt extends MessageNumber {
  readonly peer: PeerId
  readonly outcome: ReceiptOutcome
}

export function encodeMessage({ peer, epoch, sequence, previous, sentAt, body }: Message): Uint8Array {
  const writer = writePeer(sized(54 + body.length), peer)
    .u48(epoch)
    .u32(sequence)
  return writer.u32(previous).u48(sentAt).bytes16(body).done()
}

export function decodeMessage(bytes: Uint8Array): Message | undefined {
  const reader = new Reader(bytes)
  const [peer, epoch, sequence] = [readPeer(reader), reader.u48(), reader.u32()]
  const [previous, sentAt, body] = [reader.u32(), reader.u48(), reader.bytes16().slice()]
  const ordered = sequence > 0 && previous < sequence
  return reader.ok && ordered ? { peer, epoch, sequence, previous, sentAt, body } : undefined
}

export function encodeReceipt({ peer, epoch, sequence, outcome }: Receipt): Uint8Array {
  const writer = writePeer(sized(43), peer).u48(epoch).u32(sequence)
  return writer.u8(RECEIPT_OUTCOME[outcome]).done()
}

export function decodeReceipt(bytes: Uint8Array): Receipt | undefined {
  const reader = new Reader(bytes)
  const [peer, epoch, sequence] = [readPeer(reader), reader.u48(), reader.u32()]
  const outcome = OUTCOMES.get(reader.u8())
  return reader.ok && outcome !== undefined ? { peer, epoch, sequence, outcome } : undefined
}

export const outcomeOf = (number: number): ReceiptOutcome | undefined => OUTCOMES.get(number)
