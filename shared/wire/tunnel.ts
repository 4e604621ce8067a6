/**
 * Packets of a tunnel (README.md, section 6): `type u8 · counter u32 · ciphertext · tag 16`. The plaintext of DATA and
 * CLEAR is the application's; that of CONTROL is frames:
 *
 *   PROBE          id u64 · flags u8 (1: this side already sends its data here) · padding
 *   PROBE_ACK      id u64 · observed 18 · padding to the size of the probe
 *   CLOSE          reason u8
 *   STREAM_OPEN    stream u32 · key 32 · str8 name
 *   STREAM_ACCEPT  stream u32 (the opener's) · stream u32 (the accepter's)
 *   STREAM_REFUSE  stream u32 (the opener's) · reason u8 (absent: nobody listens; 1: too many streams)
 *   MOVE           address 18
 *   PROBE_BACK     id u64 (of the probe that it answers) · observed 18 · id u64 · flags u8 · padding to the size of that
 *                  probe: an answer that is a probe itself
 *   REKEY          number u32 · key 32 [· part u8 · bytes16 half 0 or 1 of an ML-KEM-768 key]
 *   REKEYED        number u32 · key 32 [· part u8 · bytes16 half 0 or 1 of an ML-KEM-768 ciphertext]
 *
 * KEY_PHASE is added to the type after every second renewal of the keys.
 *
 * The id of a probe is random. Only a receiver of the probe can answer it, so an answer proves that the address
 * receives.
 *
 * A probe is padded to at least MIN_PROBE_BODY, the smallest size of an answer. So an answer is never longer than the
 * probe, even if its source was forged. A shorter probe is rejected.
 */
import { LIMITS } from '../limits.ts'
import type { Address } from './address.ts'
import { ADDRESS_BYTES, Reader, type Writer } from './cursor.ts'
import { FRAME, KEY_PHASE, TUNNEL } from './numbers.ts'

export const PACKET_HEADER_BYTES = 5
export const TAG_BYTES = 16
/** Bytes that a tunnel adds to each datagram of the application, on every path. */
export const PACKET_OVERHEAD_BYTES = PACKET_HEADER_BYTES + TAG_BYTES
/** The longest datagram of the application. */
export const MAX_PAYLOAD_BYTES = LIMITS.datagramBytes - PACKET_OVERHEAD_BYTES
/** Type and length in front of each frame. */
const FRAME_HEADER_BYTES = 3
const PROBE_ID_BYTES = 8
export const MIN_PROBE_BODY = PROBE_ID_BYTES + ADDRESS_BYTES
export const SMALL_PROBE_BYTES = probePacketBytes(MIN_PROBE_BODY)
export const STREAM_KEY_BYTES = 32
const KEY_BYTES = 32

export const CLOSE_REASON = { closed: 0, failed: 1 } as const
const TOO_MANY = 1

export type Control =
  | { readonly kind: 'probe'; readonly id: bigint; readonly here: boolean; readonly bodyBytes: number }
  | { readonly kind: 'probeAck'; readonly id: bigint; readonly observed: Address; readonly bodyBytes: number }
  | { readonly kind: 'close'; readonly reason: number }
  | { readonly kind: 'streamOpen'; readonly stream: number; readonly key: Uint8Array; readonly name: string }
  | { readonly kind: 'streamAccept'; readonly stream: number; readonly accepter: number }
  | { readonly kind: 'streamRefuse'; readonly stream: number; readonly reason?: 'too-many' }
  /** `answers`: the id of the probe that this acknowledges. */
  | {
      readonly kind: 'probeBack'
      readonly answers: bigint
      readonly observed: Address
      readonly id: bigint
      readonly here: boolean
      readonly bodyBytes: number
    }
  /** This side will soon send from `address`: the other side should send there now. */
  | { readonly kind: 'move'; readonly address: Address }
  | Rekey

/**
 * Renewal of the keys: a fresh X25519 key for the exchange with this number, and the answer. A hybrid exchange has two of
 * each, which differ in `half`: half of an ML-KEM key fits into a path of 1,000 bytes, and the whole into no datagram.
 */
export interface Rekey {
  readonly kind: 'rekey' | 'rekeyed'
  readonly number: number
  readonly key: Uint8Array
  readonly half?: { readonly part: 0 | 1; readonly bytes: Uint8Array }
}

export function isTunnelPacket(firstByte: number): boolean {
  const type = typeOf(firstByte)
  return type === TUNNEL.DATA || type === TUNNEL.CONTROL || type === TUNNEL.CLEAR
}

/** The type in the first byte of a packet, without its key phase. */
export const typeOf = (firstByte: number): number => firstByte & ~KEY_PHASE

/** Length of the whole packet that carries a probe of `bodyBytes`. `probeBodyBytes` is the inverse. */
export function probePacketBytes(bodyBytes: number): number {
  return PACKET_OVERHEAD_BYTES + FRAME_HEADER_BYTES + bodyBytes
}

export function probeBodyBytes(packetBytes: number): number {
  return packetBytes - PACKET_OVERHEAD_BYTES - FRAME_HEADER_BYTES
}

/** Appends one frame. */
export function writeControl(writer: Writer, control: Control): void {
  const lengthAt = writer.u8(frameOf(control)).at
  const start = writer.u16(0).at
  writeBody(writer, control)
  if ('bodyBytes' in control) pad(writer, start + control.bodyBytes)
  const end = writer.at
  writer.at = lengthAt
  writer.u16(end - start)
  writer.at = end
}

/** The frames of an opened CONTROL packet; unknown and truncated ones are skipped. */
export function readControls(bytes: Uint8Array): readonly Control[] {
  const reader = new Reader(bytes)
  const controls: Control[] = []
  while (reader.ok && reader.left > 0) {
    const type = reader.u8()
    const body = reader.bytes16()
    const control = reader.ok ? readBody(type, body) : undefined
    if (control !== undefined) controls.push(control)
  }
  return controls
}

function frameOf(control: Control): number {
  switch (control.kind) {
    case 'probe':
      return FRAME.PROBE
    case 'probeAck':
      return FRAME.PROBE_ACK
    case 'close':
      return FRAME.CLOSE
    case 'streamOpen':
      return FRAME.STREAM_OPEN
    case 'streamAccept':
      return FRAME.STREAM_ACCEPT
    case 'streamRefuse':
      return FRAME.STREAM_REFUSE
    case 'move':
      return FRAME.MOVE
    case 'probeBack':
      return FRAME.PROBE_BACK
    case 'rekey':
      return FRAME.REKEY
    case 'rekeyed':
      return FRAME.REKEYED
  }
}

function writeBody(writer: Writer, control: Control): void {
  switch (control.kind) {
    case 'probe':
      writer.bits64(control.id).u8(control.here ? 1 : 0)
      break
    case 'probeAck':
      writer.bits64(control.id).address(control.observed.words)
      break
    case 'close':
      writer.u8(control.reason)
      break
    case 'streamOpen':
      writer.u32(control.stream).put(control.key).str8(control.name)
      break
    case 'streamAccept':
      writer.u32(control.stream).u32(control.accepter)
      break
    case 'streamRefuse':
      writer.u32(control.stream)
      if (control.reason === 'too-many') writer.u8(TOO_MANY)
      break
    case 'move':
      writer.address(control.address.words)
      break
    case 'rekey':
    case 'rekeyed':
      writer.u32(control.number).put(control.key)
      if (control.half !== undefined) writer.u8(control.half.part).bytes16(control.half.bytes)
      break
    case 'probeBack':
      writer.bits64(control.answers).address(control.observed.words)
      writer.bits64(control.id).u8(control.here ? 1 : 0)
      break
  }
}

function pad(writer: Writer, end: number): void {
  writer.bytes.fill(0, writer.at, end)
  writer.at = end
}

function readBody(type: number, body: Uint8Array): Control | undefined {
  const reader = new Reader(body)
  const control = readKnown(type, reader, body.length)
  return reader.ok ? control : undefined
}

function readKnown(type: number, reader: Reader, bodyBytes: number): Control | undefined {
  switch (type) {
    case FRAME.PROBE:
      if (bodyBytes < MIN_PROBE_BODY) return undefined
      return { kind: 'probe', id: reader.bits64(), here: (reader.u8() & 1) !== 0, bodyBytes }
    case FRAME.PROBE_ACK:
      return { kind: 'probeAck', id: reader.bits64(), observed: reader.address(), bodyBytes }
    case FRAME.CLOSE:
      return { kind: 'close', reason: reader.u8() }
    case FRAME.STREAM_OPEN: {
      const [stream, key] = [reader.u32(), new Uint8Array(reader.bytes(STREAM_KEY_BYTES))]
      return { kind: 'streamOpen', stream, key, name: reader.str8() }
    }
    case FRAME.STREAM_ACCEPT:
      return { kind: 'streamAccept', stream: reader.u32(), accepter: reader.u32() }
    case FRAME.STREAM_REFUSE: {
      const stream = reader.u32()
      const isTooMany = reader.left > 0 && reader.u8() === TOO_MANY
      return { kind: 'streamRefuse', stream, ...(isTooMany && { reason: 'too-many' }) }
    }
    case FRAME.REKEY:
    case FRAME.REKEYED:
      return readRekey(type === FRAME.REKEY ? 'rekey' : 'rekeyed', reader)
    case FRAME.MOVE:
      return { kind: 'move', address: reader.address() }
    case FRAME.PROBE_BACK: {
      const [answers, observed] = [reader.bits64(), reader.address()]
      return {
        kind: 'probeBack',
        answers,
        observed,
        id: reader.bits64(),
        here: (reader.u8() & 1) !== 0,
        bodyBytes,
      }
    }
    default:
      return undefined
  }
}

function readRekey(kind: Rekey['kind'], reader: Reader): Rekey | undefined {
  const rekey = { kind, number: reader.u32(), key: new Uint8Array(reader.bytes(KEY_BYTES)) }
  if (reader.left === 0) return rekey
  const [part, bytes] = [reader.u8(), new Uint8Array(reader.bytes16())]
  return part === 0 || part === 1 ? { ...rekey, half: { part, bytes } } : undefined
}
