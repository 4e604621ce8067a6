/**
 * Messages between a peer and a RELAY (README.md, section 7): eight bytes of prefix, then
 *
 *   BIND     01 · stamp u48 · bytes16 grant · mac 16 · padding to 1,200
 *   BOUND    02 · stamp u48 (of the BIND) · token 8 · flags u8 · idleMs u32
 *   CONFIRM  03 · token 8
 *   RELEASE  04 · stamp u48 · bytes16 grant · mac 16
 *   UNBOUND  05
 *   KEEP     06
 *   KEPT     07 · flags u8
 *
 * Flags: 1 the other leg is bound, 2 the relay is draining. KEPT answers KEEP and CONFIRM, and is sent unasked when a
 * flag changes. All other datagrams are forwarded as they are and have no prescribed format.
 */
import { LIMITS } from '../limits.ts'
import type { Batch } from './batch.ts'
import { Reader, Writer } from './cursor.ts'
import { RELAY_OP, RELAY_PREFIX } from './numbers.ts'

/**
 * The maximum size of a datagram. A path that cannot carry it cannot carry the tunnel's data either, and the leg uses
 * another one. No answer is longer, and some data may be sent to the address before it is proven.
 */
export const BIND_BYTES = LIMITS.datagramBytes
export const TOKEN_BYTES = 8
export const MAC_BYTES = 16
const HEADER_BYTES = RELAY_PREFIX.length + 1
const OTHER_BOUND = 1
const DRAINING = 2

/** A peer requests its leg, or releases it. */
export interface RelayClaim {
  readonly op: 'bind' | 'release'
  /** Greater than that of any earlier claim for this leg. */
  readonly stamp: number
  readonly grant: Uint8Array
  /** MAC over op, stamp and grant, with the key of the grant. */
  readonly mac: Uint8Array
}

export interface RelayFlags {
  readonly otherBound: boolean
  readonly draining: boolean
}

export type RelayMessage =
  | RelayClaim
  | (RelayFlags & {
      readonly op: 'bound'
      readonly stamp: number
      readonly token: Uint8Array
      readonly idleMs: number
    })
  | { readonly op: 'confirm'; readonly token: Uint8Array }
  | { readonly op: 'unbound' }
  | { readonly op: 'keep' }
  | (RelayFlags & { readonly op: 'kept' })

/** True for every control message, whether it is valid or not. For most datagrams only one byte is examined. */
export function isRelayControl(batch: Batch, i: number): boolean {
  const start = batch.start(i)
  if (batch.bytes[start] !== RELAY_PREFIX[0] || batch.length[i]! < RELAY_PREFIX.length) return false
  for (let b = 1; b < RELAY_PREFIX.length; b++) if (batch.bytes[start + b] !== RELAY_PREFIX[b]) return false
  return true
}

export function encodeRelay(message: RelayMessage): Uint8Array {
  switch (message.op) {
    case 'bind': {
      const bytes = new Uint8Array(Math.max(BIND_BYTES, claimBytes(message)))
      writeClaim(headed(bytes, RELAY_OP.BIND), message)
      return bytes
    }
    case 'release':
      return writeClaim(headed(new Uint8Array(claimBytes(message)), RELAY_OP.RELEASE), message).done()
    case 'bound':
      return ofLength(RELAY_OP.BOUND, 6 + TOKEN_BYTES + 1 + 4)
        .u48(message.stamp)
        .put(message.token)
        .u8(flagsOf(message))
        .u32(message.idleMs)
        .done()
    case 'confirm':
      return ofLength(RELAY_OP.CONFIRM, TOKEN_BYTES).put(message.token).done()
    case 'unbound':
      return ofLength(RELAY_OP.UNBOUND, 0).done()
    case 'keep':
      return ofLength(RELAY_OP.KEEP, 0).done()
    case 'kept':
      return ofLength(RELAY_OP.KEPT, 1).u8(flagsOf(message)).done()
  }
}

/**
 * Decodes a datagram for which `isRelayControl` is true. Byte fields are views. Undefined if it is too short or its op
 * is unknown.
 */
export function decodeRelay(bytes: Uint8Array): RelayMessage | undefined {
  const reader = new Reader(bytes, RELAY_PREFIX.length)
  const message = read(reader, reader.u8(), bytes.length)
  return reader.ok ? message : undefined
}

function read(reader: Reader, op: number, length: number): RelayMessage | undefined {
  switch (op) {
    case RELAY_OP.BIND:
      return length < BIND_BYTES ? undefined : { op: 'bind', ...readClaim(reader) }
    case RELAY_OP.RELEASE:
      return { op: 'release', ...readClaim(reader) }
    case RELAY_OP.BOUND:
      return {
        op: 'bound',
        stamp: reader.u48(),
        token: reader.bytes(TOKEN_BYTES),
        ...readFlags(reader),
        idleMs: reader.u32(),
      }
    case RELAY_OP.CONFIRM:
      return { op: 'confirm', token: reader.bytes(TOKEN_BYTES) }
    case RELAY_OP.UNBOUND:
      return { op: 'unbound' }
    case RELAY_OP.KEEP:
      return { op: 'keep' }
    case RELAY_OP.KEPT:
      return { op: 'kept', ...readFlags(reader) }
    default:
      return undefined
  }
}

function readClaim(reader: Reader) {
  return { stamp: reader.u48(), grant: reader.bytes16(), mac: reader.bytes(MAC_BYTES) }
}

function readFlags(reader: Reader): RelayFlags {
  const flags = reader.u8()
  return { otherBound: (flags & OTHER_BOUND) !== 0, draining: (flags & DRAINING) !== 0 }
}

const flagsOf = ({ otherBound, draining }: RelayFlags): number =>
  (otherBound ? OTHER_BOUND : 0) | (draining ? DRAINING : 0)

const claimBytes = ({ grant }: RelayClaim): number => HEADER_BYTES + 6 + 2 + grant.length + MAC_BYTES

function writeClaim(writer: Writer, { stamp, grant, mac }: RelayClaim): Writer {
  return writer.u48(stamp).bytes16(grant).put(mac)
}

const ofLength = (op: number, bodyBytes: number): Writer =>
  headed(new Uint8Array(HEADER_BYTES + bodyBytes), op)

const headed = (bytes: Uint8Array, op: number): Writer => new Writer(bytes).put(RELAY_PREFIX).u8(op)
