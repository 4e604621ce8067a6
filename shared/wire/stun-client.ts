/** The client's side of a Binding: its requests and answers. It is no hot path, so it works with plain values. */
import { ADDRESS_WORDS, type Address } from './address.ts'
import { Batch } from './batch.ts'
import { crc32 } from './crc32.ts'
import {
  ATTRIBUTE,
  FAMILY,
  FINGERPRINT_XOR,
  padded,
  STUN_COOKIE,
  STUN_HEADER_BYTES,
  STUN_TYPE,
  TRANSACTION_BYTES,
} from './stun.ts'
import { StunWriter } from './stun-writer.ts'

export interface BindingOptions {
  /** Asks for the answer from the other address, or the other port, of the pair. */
  readonly changeIp?: boolean
  readonly changePort?: boolean
  /** Asks for the answer to be sent to this port of our address. */
  readonly responsePort?: number
  /** Bytes of PADDING, rounded up to a multiple of 4; the answer carries at most as many. */
  readonly padding?: number
  /** With `ANSWER_EXCESS` bytes or more, the answer need not be longer than the request. */
  readonly software?: string
  readonly fingerprint?: boolean
}

export interface BindingAnswer {
  /** 12 bytes. */
  readonly transaction: Uint8Array
  /** XOR-MAPPED-ADDRESS, or MAPPED-ADDRESS if the server sends only that. */
  readonly mapped?: Address
  /** MAPPED-ADDRESS as received: if it differs from `mapped`, a middlebox rewrites addresses in payloads. */
  readonly plainMapped?: Address
  readonly origin?: Address
  readonly other?: Address
  readonly software?: string
  /** Set in an error response. */
  readonly error?: number
  readonly unknown?: readonly number[]
}

/** `transaction`: 12 random bytes. */
export function encodeBindingRequest(transaction: Uint8Array, options: BindingOptions = {}): Uint8Array {
  if (transaction.length !== TRANSACTION_BYTES) throw new RangeError('a transaction id has 12 bytes')
  const batch = new Batch(1)
  const slot = batch.claim(new Uint32Array(ADDRESS_WORDS), 0, 0)
  const writer = new StunWriter().begin(batch, slot, STUN_TYPE.request, transaction, 0)
  const { changeIp = false, changePort = false, responsePort, padding, software } = options
  if (changeIp || changePort) writer.changeRequest(changeIp, changePort)
  if (responsePort !== undefined) writer.responsePort(responsePort)
  if (software !== undefined) writer.value(ATTRIBUTE.SOFTWARE, new TextEncoder().encode(software))
  if (padding !== undefined) writer.padding(padded(padding))
  writer.end(options.fingerprint ?? true)
  return batch.at(slot).slice()
}

/** Padding of a request. Its length is the difference between the longest answer (three IPv6 addresses) and a bare request. */
const ROOM = 'straightway'.padEnd(72)

/** A request that leaves room for its answer. The server's answer is not longer, so a forged source gains nothing. */
export const encodeRoomyRequest = (
  transaction: Uint8Array,
  options: Omit<BindingOptions, 'software'> = {},
): Uint8Array => encodeBindingRequest(transaction, { ...options, software: ROOM })

/** Undefined if the bytes are no Binding response, or the fingerprint is wrong. */
export function decodeBindingAnswer(bytes: Uint8Array): BindingAnswer | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length < STUN_HEADER_BYTES || view.getUint32(4) !== STUN_COOKIE) return undefined
  const type = view.getUint16(0)
  if (type !== STUN_TYPE.success && type !== STUN_TYPE.error) return undefined
  if (view.getUint16(2) !== bytes.length - STUN_HEADER_BYTES) return undefined
  const values = attributesOf(bytes, view)
  return values && answerOf(bytes, type, values)
}

/** The first attribute of each type, as views. */
function attributesOf(bytes: Uint8Array, view: DataView): Map<number, Uint8Array> | undefined {
  const values = new Map<number, Uint8Array>()
  for (let at = STUN_HEADER_BYTES; at < bytes.length; ) {
    if (at + 4 > bytes.length) return undefined
    const type = view.getUint16(at)
    const length = view.getUint16(at + 2)
    if (at + 4 + padded(length) > bytes.length) return undefined
    if (type === ATTRIBUTE.FINGERPRINT && !isFingerprint(bytes, view, at)) return undefined
    if (!values.has(type)) values.set(type, bytes.subarray(at + 4, at + 4 + length))
    at += 4 + padded(length)
  }
  return values
}

function isFingerprint(bytes: Uint8Array, view: DataView, at: number): boolean {
  if (at + 8 !== bytes.length || view.getUint16(at + 2) !== 4) return false
  return view.getUint32(at + 4) === (crc32(bytes, 0, at) ^ FINGERPRINT_XOR) >>> 0
}

function answerOf(
  bytes: Uint8Array,
  type: number,
  values: Map<number, Uint8Array>,
): BindingAnswer | undefined {
  const address = (attribute: number) => addressIn(values.get(attribute))
  const plainMapped = address(ATTRIBUTE.MAPPED_ADDRESS)
  const mapped = addressIn(values.get(ATTRIBUTE.XOR_MAPPED_ADDRESS), bytes.subarray(4, 20)) ?? plainMapped
  const error = errorIn(values.get(ATTRIBUTE.ERROR_CODE))
  if (type === STUN_TYPE.success ? mapped === undefined : error === undefined) return undefined
  const software = values.get(ATTRIBUTE.SOFTWARE)
  const unknown = values.get(ATTRIBUTE.UNKNOWN_ATTRIBUTES)
  return {
    transaction: bytes.slice(8, STUN_HEADER_BYTES),
    ...present({
      mapped,
      plainMapped,
      origin: address(ATTRIBUTE.RESPONSE_ORIGIN),
      other: address(ATTRIBUTE.OTHER_ADDRESS),
    }),
    ...(software && { software: new TextDecoder().decode(software) }),
    ...(type === STUN_TYPE.error &&
      error !== undefined && { error, unknown: unknown ? typesIn(unknown) : [] }),
  }
}

type Addresses = Pick<BindingAnswer, 'mapped' | 'plainMapped' | 'origin' | 'other'>

const present = (addresses: Record<keyof Addresses, Address | undefined>): Addresses =>
  Object.fromEntries(Object.entries(addresses).filter(([, address]) => address !== undefined))

/** `mask`: cookie and transaction id, with which an XOR address is combined. */
function addressIn(value: Uint8Array | undefined, mask?: Uint8Array): Address | undefined {
  const family = value?.[1]
  const length = family === FAMILY.ipv4 ? 4 : family === FAMILY.ipv6 ? 16 : -1
  if (value === undefined || value.length !== 4 + length) return undefined
  const at = (i: number, under: number) => value[i]! ^ (mask?.[under] ?? 0)
  const words = new Uint32Array(ADDRESS_WORDS)
  if (length === 4) words[2] = 0xffff
  for (let i = 0; i < length; i++) words[length === 4 ? 3 : i >> 2]! |= at(4 + i, i) << (24 - 8 * (i & 3))
  words[4] = (at(2, 0) << 8) | at(3, 1)
  return { words }
}

function errorIn(value: Uint8Array | undefined): number | undefined {
  if (value === undefined || value.length < 4) return undefined
  return (value[2]! & 7) * 100 + value[3]!
}

function typesIn(value: Uint8Array): number[] {
  return Array.from({ length: value.length >> 1 }, (_, i) => (value[2 * i]! << 8) | value[2 * i + 1]!)
}
