import { ADDRESS_BYTES, ADDRESS_WORDS, type Address } from './address.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })
const encoder = new TextEncoder()
const EMPTY = new Uint8Array(0)

/**
 * Reads fields one after another and never throws: a read past the end, or text that is not UTF-8, clears `ok` and
 * yields zero or nothing. A codec reads all its fields and looks at `ok` once. Byte fields are views, not copies.
 */
export class Reader {
  ok = true
  #bytes: Uint8Array
  #at: number
  #end: number

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  get left(): number {
    return this.#end - this.#at
  }

  u8(): number {
    const at = this.#take(1)
    return at < 0 ? 0 : this.#bytes[at]!
  }

  u16(): number {
    return this.u8() * 0x100 + this.u8()
  }

  u32(): number {
    return this.u16() * 0x10000 + this.u16()
  }

  u48(): number {
    return this.u16() * 0x100000000 + this.u32()
  }

  /** Accepts only values that a double represents exactly: greater ones clear `ok`. */
  u64(): number {
    const value = this.u32() * 0x100000000 + this.u32()
    if (value > Number.MAX_SAFE_INTEGER) this.ok = false
    return this.ok ? value : 0
  }

  /** All 64 bits, as a bigint. */
  bits64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32())
  }

  bytes(length: number): Uint8Array {
    const at = this.#take(length)
    return at < 0 ? EMPTY : this.#bytes.subarray(at, at + length)
  }

  bytes16(): Uint8Array {
    return this.bytes(this.u16())
  }

  str8(): string {
    return this.#text(this.bytes(this.u8()))
  }

  address(): Address {
    const words = new Uint32Array(ADDRESS_WORDS)
    for (let i = 0; i < 4; i++) words[i] = this.u32()
    words[4] = this.u16()
    return { words }
  }

  rest(): Uint8Array {
    return this.bytes(this.left)
  }

  #text(bytes: Uint8Array): string {
    try {
      return decoder.decode(bytes)
    } catch {
      this.ok = false
      return ''
    }
  }

  #take(length: number): number {
    if (!this.ok || this.#at + length > this.#end) {
      this.ok = false
      return -1
    }
    const at = this.#at
    this.#at += length
    return at
  }
}

/** Writes fields one after another into a given array. Insufficient room is a bug of the caller and throws. */
export class Writer {
  readonly bytes: Uint8Array
  at: number
  readonly #start: number

  constructor(bytes: Uint8Array, start = 0) {
    this.bytes = bytes
    this.at = start
    this.#start = start
  }

  u8(value: number): this {
    if (this.at >= this.bytes.length) throw new RangeError('no room to write')
    this.bytes[this.at++] = value
    return this
  }

  u16(value: number): this {
    return this.u8(value >>> 8).u8(value)
  }

  u32(value: number): this {
    return this.u16(value >>> 16).u16(value & 0xffff)
  }

  u48(value: number): this {
    return this.u16(Math.floor(value / 0x100000000)).u32(value >>> 0)
  }

  u64(value: number): this {
    return this.u32(Math.floor(value / 0x100000000)).u32(value >>> 0)
  }

  bits64(value: bigint): this {
    return this.u32(Number(value >> 32n)).u32(Number(value & 0xffff_ffffn))
  }

  put(bytes: Uint8Array): this {
    this.bytes.set(bytes, this.at)
    this.at += bytes.length
    return this
  }

  bytes16(bytes: Uint8Array): this {
    return this.u16(bytes.length).put(bytes)
  }

  /** Throws if the text is longer than 255 bytes, which is a bug of the caller: limits are checked on input. */
  str8(text: string): this {
    const bytes = encoder.encode(text)
    if (bytes.length > 255) throw new RangeError('text too long for str8')
    return this.u8(bytes.length).put(bytes)
  }

  address(words: Uint32Array, at = 0): this {
    for (let i = 0; i < 4; i++) this.u32(words[at + i]!)
    return this.u16(words[at + 4]!)
  }

  /** The bytes written so far, as a view. */
  done(): Uint8Array {
    return this.bytes.subarray(this.#start, this.at)
  }
}

export { ADDRESS_BYTES }
