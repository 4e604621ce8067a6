import { isIpv4 } from './address.ts'
import type { Batch } from './batch.ts'
import { crc32 } from './crc32.ts'
import {
  ATTRIBUTE,
  CHANGE_IP,
  CHANGE_PORT,
  FAMILY,
  FINGERPRINT_BYTES,
  FINGERPRINT_XOR,
  padded,
  STUN_COOKIE,
  STUN_HEADER_BYTES,
  TRANSACTION_BYTES,
} from './stun.ts'

/** Size of an address attribute in bytes. */
export const addressAttributeBytes = (words: Uint32Array, at: number): number => (isIpv4(words, at) ? 12 : 24)

/** Writes messages, each into a slot of a batch. Allocates nothing. */
export class StunWriter {
  #batch!: Batch
  #slot = 0
  #start = 0
  #at = 0

  /** `transaction`: array that contains the 12 bytes of the transaction id, from `transactionAt` on. */
  begin(batch: Batch, slot: number, type: number, transaction: Uint8Array, transactionAt: number): this {
    this.#batch = batch
    this.#slot = slot
    this.#start = batch.start(slot)
    this.#at = this.#start + STUN_HEADER_BYTES
    batch.view.setUint16(this.#start, type)
    batch.view.setUint32(this.#start + 4, STUN_COOKIE)
    for (let i = 0; i < TRANSACTION_BYTES; i++) {
      batch.bytes[this.#start + 8 + i] = transaction[transactionAt + i]!
    }
    return this
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#at - this.#start
  }

  /** Writes MAPPED-ADDRESS or another attribute with a plain address. */
  address(type: number, words: Uint32Array, at: number): this {
    return this.#address(type, words, at, false)
  }

  xorMappedAddress(words: Uint32Array, at: number): this {
    return this.#address(ATTRIBUTE.XOR_MAPPED_ADDRESS, words, at, true)
  }

  /** Writes any value, padded with zeros to a multiple of 4. */
  value(type: number, value: Uint8Array): this {
    this.#header(type, value.length)
    this.#batch.bytes.set(value, this.#at)
    this.#batch.bytes.fill(0, this.#at + value.length, this.#at + padded(value.length))
    this.#at += padded(value.length)
    return this
  }

  changeRequest(ip: boolean, port: boolean): this {
    this.#header(ATTRIBUTE.CHANGE_REQUEST, 4)
    return this.#u32((ip ? CHANGE_IP : 0) | (port ? CHANGE_PORT : 0))
  }

  responsePort(port: number): this {
    this.#header(ATTRIBUTE.RESPONSE_PORT, 4)
    return this.#u32(port << 16)
  }

  /** Writes PADDING of `length` zeros, a multiple of 4. */
  padding(length: number): this {
    this.#header(ATTRIBUTE.PADDING, length)
    this.#batch.bytes.fill(0, this.#at, this.#at + length)
    this.#at += length
    return this
  }

  /** Writes ERROR-CODE with an empty reason phrase. */
  errorCode(code: number): this {
    this.#header(ATTRIBUTE.ERROR_CODE, 4)
    return this.#u32((Math.floor(code / 100) << 8) | (code % 100))
  }

  unknownAttributes(types: Uint16Array, count: number): this {
    this.#header(ATTRIBUTE.UNKNOWN_ATTRIBUTES, count * 2)
    for (let i = 0; i < count; i++) this.#u16(types[i]!)
    return count % 2 === 1 ? this.#u16(0) : this
  }

  /** Completes the message: writes its length, which includes FINGERPRINT before the CRC is computed. */
  end(fingerprint: boolean): void {
    const { bytes, view } = this.#batch
    const attributes = this.length - STUN_HEADER_BYTES + (fingerprint ? FINGERPRINT_BYTES : 0)
    view.setUint16(this.#start + 2, attributes)
    if (fingerprint) {
      const crc = crc32(bytes, this.#start, this.#at)
      this.#header(ATTRIBUTE.FINGERPRINT, 4)
      this.#u32(crc ^ FINGERPRINT_XOR)
    }
    this.#batch.length[this.#slot] = this.length
  }

  /** RFC 8489 section 14.2: XORs the port with the cookie, and an IPv6 address with the cookie and the transaction id. */
  #address(type: number, words: Uint32Array, at: number, xor: boolean): this {
    const { view } = this.#batch
    const ipv4 = isIpv4(words, at)
    this.#header(type, ipv4 ? 8 : 20)
    this.#u16(ipv4 ? FAMILY.ipv4 : FAMILY.ipv6)
    this.#u16(words[at + 4]! ^ (xor ? STUN_COOKIE >>> 16 : 0))
    if (ipv4) return this.#u32(words[at + 3]! ^ (xor ? STUN_COOKIE : 0))
    for (let i = 0; i < 4; i++) {
      this.#u32(words[at + i]! ^ (xor ? view.getUint32(this.#start + 4 + i * 4) : 0))
    }
    return this
  }

  #header(type: number, length: number): void {
    this.#u16(type)
    this.#u16(length)
  }

  #u16(value: number): this {
    this.#batch.view.setUint16(this.#at, value)
    this.#at += 2
    return this
  }

  #u32(value: number): this {
    this.#batch.view.setUint32(this.#at, value)
    this.#at += 4
    return this
  }
}
