/**
 * Datagrams and frames that maintain a session (README.md, sections 2 and 3). Datagrams, from their first byte on:
 *
 *   SEALED          51 05 · index u32 (the receiver's) · counter u64 · sealed frames
 *   KEEP_ALIVE      51 06 · index u32 (the node's)
 *   KEEP_ALIVE_ACK  51 07 · index u32 (the peer's)
 *   GONE            51 08 · index u32, as the peer sent it
 *
 * Bodies of frames:
 *
 *   ACK        next u32 · held u32            PING, PONG  token u32
 *   GOODBYE    reason u8                      PACE        intervalMs u32
 *   TICKET     bytes16 ticket                     TIME       serverTime u48
 *   PATH_CHALLENGE, PATH_RESPONSE  token 8    SEEN       address 18
 *   RENEW, RENEWED  number u32 · key 32
 *
 * The upper 16 bits of a SEALED counter tell how often the keys of the session were renewed, modulo 2^16; the lower 48 are the
 * counter itself.
 */
import type { Address } from './address.ts'
import { ADDRESS_BYTES, Reader } from './cursor.ts'
import { sized } from './frames.ts'
import { GOODBYE_REASON, VERSION } from './numbers.ts'

export { SEALED_HEADER_BYTES } from './frames.ts'

/** Length of KEEP_ALIVE, KEEP_ALIVE_ACK and GONE. */
export const SHORT_BYTES = 6

/** Size of the token of PATH_CHALLENGE, which PATH_RESPONSE returns. */
export const CHALLENGE_BYTES = 8

const KEY_BYTES = 32
const REASONS = Object.keys(GOODBYE_REASON) as GoodbyeReason[]

export type GoodbyeReason = keyof typeof GOODBYE_REASON

export interface Ack {
  /** All refs below this one have arrived. */
  readonly next: number
  /** Bit i: next + 1 + i has arrived too. */
  readonly held: number
}

/** A fresh X25519 key of one side, for the renewal of the session's keys with this number. */
export interface KeyRenewal {
  readonly number: number
  /** 32 bytes. */
  readonly key: Uint8Array
}

/** The receiver's index in a datagram of a session. */
export function indexAt(bytes: Uint8Array, start: number): number {
  return (
    ((bytes[start + 2]! << 24) | (bytes[start + 3]! << 16) | (bytes[start + 4]! << 8) | bytes[start + 5]!) >>>
    0
  )
}

/** Writes a datagram of SHORT_BYTES in place. */
export function writeShort(bytes: Uint8Array, start: number, kind: number, index: number): void {
  bytes[start] = VERSION
  bytes[start + 1] = kind
  bytes[start + 2] = index >>> 24
  bytes[start + 3] = index >>> 16
  bytes[start + 4] = index >>> 8
  bytes[start + 5] = index
}

export const encodeAck = ({ next, held }: Ack): Uint8Array => sized(8).u32(next).u32(held).done()

export function decodeAck(body: Uint8Array): Ack | undefined {
  const reader = new Reader(body)
  const [next, held] = [reader.u32(), reader.u32()]
  return reader.ok ? { next, held } : undefined
}

/** The body of PING, PONG and PACE. */
export const encodeU32 = (value: number): Uint8Array => sized(4).u32(value).done()

export function decodeU32(body: Uint8Array): number | undefined {
  const reader = new Reader(body)
  const value = reader.u32()
  return reader.ok ? value : undefined
}

export const encodeGoodbye = (reason: GoodbyeReason): Uint8Array => Uint8Array.of(GOODBYE_REASON[reason])

export const decodeGoodbye = (body: Uint8Array): GoodbyeReason | undefined => REASONS[body[0] ?? 255]

export const encodeTicket = (ticket: Uint8Array): Uint8Array =>
  sized(2 + ticket.length)
    .bytes16(ticket)
    .done()

export function decodeTicket(body: Uint8Array): Uint8Array | undefined {
  const reader = new Reader(body)
  const ticket = reader.bytes16().slice()
  return reader.ok ? ticket : undefined
}

/** `serverTime`: the node's wall clock. */
export const encodeTime = (serverTime: number): Uint8Array => sized(6).u48(serverTime).done()

export function decodeTime(body: Uint8Array): number | undefined {
  const reader = new Reader(body)
  const serverTime = reader.u48()
  return reader.ok ? serverTime : undefined
}

/** The address from which the node now hears the peer. Five words from `at`. */
export const encodeSeen = (words: Uint32Array, at: number): Uint8Array =>
  sized(ADDRESS_BYTES).address(words, at).done()

export function decodeSeen(body: Uint8Array): Address | undefined {
  const reader = new Reader(body)
  const address = reader.address()
  return reader.ok ? address : undefined
}

export const encodeRenewal = ({ number, key }: KeyRenewal): Uint8Array =>
  sized(4 + KEY_BYTES)
    .u32(number)
    .put(key)
    .done()

export function decodeRenewal(body: Uint8Array): KeyRenewal | undefined {
  const reader = new Reader(body)
  const [number, key] = [reader.u32(), reader.bytes(KEY_BYTES).slice()]
  return reader.ok ? { number, key } : undefined
}
