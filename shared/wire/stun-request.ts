import { ADDRESS_WORDS } from './address.ts'
import { type Batch, SLOT_BYTES } from './batch.ts'
import { crc32 } from './crc32.ts'
import {
  ATTRIBUTE,
  CHANGE_IP,
  CHANGE_PORT,
  FINGERPRINT_XOR,
  FIRST_OPTIONAL,
  padded,
  STUN_COOKIE,
  STUN_HEADER_BYTES,
  STUN_TYPE,
} from './stun.ts'

/**
 * Classifies a datagram at a STUN server. Only `request` is answered. Otherwise the server would answer noise, other
 * protocols, and its own answers that come back.
 */
export type StunVerdict = 'request' | 'malformed' | 'wrongCookie' | 'wrongFingerprint' | 'notARequest'

/** Known attributes that a server ignores: credentials, as it asks for none, and attributes of answers. */
const IGNORED = new Set<number>([
  ATTRIBUTE.MAPPED_ADDRESS,
  ATTRIBUTE.USERNAME,
  ATTRIBUTE.ERROR_CODE,
  ATTRIBUTE.UNKNOWN_ATTRIBUTES,
  ATTRIBUTE.REALM,
  ATTRIBUTE.NONCE,
  ATTRIBUTE.PASSWORD_ALGORITHM,
  ATTRIBUTE.USERHASH,
  ATTRIBUTE.XOR_MAPPED_ADDRESS,
])

/** A Binding request as read by a server. One object is reused for all requests, so reading allocates nothing. */
export class StunRequest {
  /** The batch that contains its bytes, source and socket. */
  batch!: Batch
  slot = 0
  /** Length of the whole message in bytes. */
  length = 0
  hasFingerprint = false
  /** Carries CHANGE-REQUEST, RESPONSE-PORT or PADDING: the sender knows RFC 5780. */
  isDiscovery = false
  changeIp = false
  changePort = false
  /** -1 if the request has no RESPONSE-PORT. */
  responsePort = -1
  /** Bytes of PADDING; -1 if there is none. */
  padding = -1
  /** Unknown attributes that must be understood: the first `unknownCount` entries. */
  readonly unknown = new Uint16Array(SLOT_BYTES / 4)
  unknownCount = 0
  /** A known attribute has an invalid value: the request is answered with 400. */
  isBad = false
  /** Attributes after MESSAGE-INTEGRITY may have been added on the way (RFC 8489 section 14.5). */
  #isSealed = false

  /** Index of the source's five words in `batch.address`. */
  get sourceAt(): number {
    return this.slot * ADDRESS_WORDS
  }

  /** Offset of the transaction id in `batch.bytes`. */
  get transactionAt(): number {
    return this.batch.start(this.slot) + 8
  }

  /** Reads datagram i of the batch. The other fields are valid only after the verdict `request`. */
  read(batch: Batch, i: number): StunVerdict {
    const start = batch.start(i)
    const length = batch.length[i]!
    const { view } = batch
    if (length < STUN_HEADER_BYTES || view.getUint16(start) >= 0x4000) return 'malformed'
    if (view.getUint32(start + 4) !== STUN_COOKIE) return 'wrongCookie'
    if (view.getUint16(start + 2) !== length - STUN_HEADER_BYTES || length % 4 !== 0) return 'malformed'
    if (view.getUint16(start) !== STUN_TYPE.request) return 'notARequest'
    this.#reset(batch, i, length)
    return this.#readAttributes(batch, start, start + length)
  }

  #reset(batch: Batch, slot: number, length: number): void {
    this.batch = batch
    this.slot = slot
    this.length = length
    this.hasFingerprint = false
    this.isDiscovery = false
    this.changeIp = false
    this.changePort = false
    this.responsePort = -1
    this.padding = -1
    this.unknownCount = 0
    this.isBad = false
    this.#isSealed = false
  }

  #readAttributes(batch: Batch, start: number, end: number): StunVerdict {
    for (let at = start + STUN_HEADER_BYTES; at < end; ) {
      const type = batch.view.getUint16(at)
      const length = batch.view.getUint16(at + 2)
      const next = at + 4 + padded(length)
      if (next > end) return 'malformed'
      if (type === ATTRIBUTE.FINGERPRINT) return this.#readFingerprint(batch, start, at, end)
      if (!this.#isSealed) this.#readAttribute(batch.view, type, at + 4, length)
      at = next
    }
    return 'request'
  }

  /** FINGERPRINT must be the last attribute, and correct: otherwise the datagram is not STUN. */
  #readFingerprint({ bytes, view }: Batch, start: number, at: number, end: number): StunVerdict {
    if (view.getUint16(at + 2) !== 4 || at + 8 !== end) return 'wrongFingerprint'
    if (view.getUint32(at + 4) !== (crc32(bytes, start, at) ^ FINGERPRINT_XOR) >>> 0)
      return 'wrongFingerprint'
    this.hasFingerprint = true
    return 'request'
  }

  #readAttribute(view: DataView, type: number, at: number, length: number): void {
    switch (type) {
      case ATTRIBUTE.CHANGE_REQUEST:
        this.#readChange(view, at, length)
        return
      case ATTRIBUTE.RESPONSE_PORT:
        this.#readResponsePort(view, at, length)
        return
      case ATTRIBUTE.PADDING:
        this.isDiscovery = true
        this.padding = length
        return
      case ATTRIBUTE.MESSAGE_INTEGRITY:
      case ATTRIBUTE.MESSAGE_INTEGRITY_SHA256:
        this.#isSealed = true
        return
      default:
        if (type < FIRST_OPTIONAL && !IGNORED.has(type)) this.unknown[this.unknownCount++] = type
    }
  }

  #readChange(view: DataView, at: number, length: number): void {
    this.isDiscovery = true
    if (length !== 4) {
      this.isBad = true
      return
    }
    const flags = view.getUint32(at)
    this.changeIp = (flags & CHANGE_IP) !== 0
    this.changePort = (flags & CHANGE_PORT) !== 0
  }

  /** The value has two bytes; some clients count the padding in the length. */
  #readResponsePort(view: DataView, at: number, length: number): void {
    this.isDiscovery = true
    this.responsePort = length === 2 || length === 4 ? view.getUint16(at) : 0
    if (this.responsePort === 0) this.isBad = true
  }
}
