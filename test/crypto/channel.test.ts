import { createCipheriv } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Channel, EPOCH_COUNTERS, EPOCH_MS, TAG_BYTES } from '../../shared/crypto/channel.ts'
import { Random } from '../../shared/crypto/random.ts'
import { hexOf } from './hex.ts'

const HEADER = 14
const random = new Random(new Uint8Array(32).fill(3))

interface Sealed {
  readonly counter: number
  readonly bytes: Uint8Array
}

describe('a channel', () => {
  test('opens what the other side sealed, in place', () => {
    const [a, b] = channels()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1200 }), fc.nat(40), (plaintext, headerLength) => {
        const bytes = new Uint8Array(2048)
        bytes.set(plaintext, 100 + headerLength)
        const counter = a.nextCounter(0)
        const length = a.seal(counter, bytes, 100, 100 + headerLength, plaintext.length)
        expect(length).toBe(headerLength + plaintext.length + TAG_BYTES)
        expect(b.open(counter, bytes, 100, 100 + headerLength, length)).toBe(plaintext.length)
        const start = 100 + headerLength
        expect(hexOf(bytes.subarray(start, start + plaintext.length))).toBe(hexOf(plaintext))
      }),
    )
  })

  test('seals as ChaCha20-Poly1305 of another implementation does, above 2^32 too', () => {
    const keys = someKeys()
    const a = new Channel(keys)
    a.nextCounter(0)
    const { counter, bytes } = seal(a, 'hello', EPOCH_MS)
    expect(counter).toBe(EPOCH_COUNTERS)
    const nonce = Buffer.alloc(12)
    nonce.writeBigUInt64LE(BigInt(counter), 4)
    const cipher = createCipheriv('chacha20-poly1305', rekeyed(keys.send), nonce, { authTagLength: 16 })
    cipher.setAAD(bytes.subarray(0, HEADER), { plaintextLength: 5 })
    const expected = Buffer.concat([cipher.update('hello'), cipher.final(), cipher.getAuthTag()])
    expect(hexOf(bytes.subarray(HEADER))).toBe(hexOf(expected))
  })

  test('refuses a datagram of which one bit was changed, of header or body, and takes it unchanged', () => {
    const [a, b] = channels()
    const sealed = seal(a, 'something to say')
    for (let bit = 0; bit < sealed.bytes.length * 8; bit++) {
      const changed = { counter: sealed.counter, bytes: sealed.bytes.slice() }
      changed.bytes[bit >>> 3]! ^= 1 << (bit & 7)
      expect(open(b, changed)).toBeUndefined()
    }
    expect(b.greatest).toBe(-1)
    expect(open(b, sealed)).toBe('something to say')
  })

  test('opens each datagram once, whatever the order, in the first 32 and after them', () => {
    const [a, b] = channels()
    const sealed = Array.from({ length: 70 }, (_, i) => seal(a, `number ${i}`))
    const order = [31, 3, 0, 33, 32, 1, 69, 30, 2, 40]
    for (const i of order) expect(open(b, copyOf(sealed[i]!))).toBe(`number ${i}`)
    for (const i of order) expect(open(b, copyOf(sealed[i]!))).toBeUndefined()
    for (const i of [4, 29, 34, 68]) expect(open(b, copyOf(sealed[i]!))).toBe(`number ${i}`)
  })

  test('opens nothing that is shorter than it can be, or random, at any counter', () => {
    const [, b] = channels()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.double(), (bytes, counter) => {
        expect(b.open(counter, bytes.slice(), 0, Math.min(HEADER, bytes.length), bytes.length)).toBe(-1)
        expect(b.check(counter, bytes.slice(), 0, bytes.length)).toBe(false)
      }),
    )
    expect(b.greatest).toBe(-1)
  })

  test('opens a datagram once', () => {
    const [a, b] = channels()
    const sealed = seal(a, 'once')
    expect(open(b, sealed)).toBe('once')
    expect(open(b, sealed)).toBeUndefined()
  })

  test('takes datagrams out of order, as far back as 2,048', () => {
    const [a, b] = channels()
    const all = Array.from({ length: 2050 }, (_, i) => seal(a, `${i}`))
    expect(open(b, all[2049]!)).toBe('2049')
    expect(open(b, all[2]!)).toBe('2')
    expect(open(b, all[1]!)).toBeUndefined()
  })

  test('knows the greatest counter that opened', () => {
    const [a, b] = channels()
    const [first, second] = [seal(a, 'first'), seal(a, 'second')]
    open(b, second)
    open(b, first)
    expect(b.greatest).toBe(second.counter)
  })

  test('uses no counter twice', () => {
    const [a] = channels()
    const { counter } = seal(a, 'one')
    expect(() => a.seal(counter, new Uint8Array(100), 0, 14, 5)).toThrow(RangeError)
    a.nextCounter(0)
    expect(() => a.seal(counter + 2, new Uint8Array(100), 0, 14, 5)).toThrow(RangeError)
  })

  test('changes its key after two minutes of use, not of rest', () => {
    const [a, b] = channels()
    const at = [0, EPOCH_MS - 1, EPOCH_MS, 10 * EPOCH_MS, 10 * EPOCH_MS + 1, 11 * EPOCH_MS]
    const sealed = at.map((now) => seal(a, `${now}`, now))
    const epochs = sealed.map(({ counter }) => Math.floor(counter / EPOCH_COUNTERS))
    expect(epochs).toEqual([0, 0, 1, 2, 2, 3])
    expect(sealed.map((one) => open(b, one))).toEqual(at.map(String))
  })

  test('takes late datagrams of the epoch before, once each, and none that are older', () => {
    const [a, b] = channels()
    const oldest = seal(a, 'oldest', 0)
    const late = seal(a, 'late', EPOCH_MS)
    const newest = seal(a, 'newest', 2 * EPOCH_MS)
    expect(open(b, newest)).toBe('newest')
    expect(open(b, late)).toBe('late')
    expect(open(b, late)).toBeUndefined()
    expect(open(b, oldest)).toBeUndefined()
  })

  test('reaches over eight epochs of which nothing arrived, and not over nine', () => {
    const [a, b] = channels()
    const sealed = Array.from({ length: 11 }, (_, i) => seal(a, `${i}`, i * EPOCH_MS))
    expect(open(b, sealed[10]!)).toBeUndefined()
    expect(open(b, sealed[9]!)).toBe('9')
    expect(open(b, sealed[10]!)).toBe('10')
  })

  test('is moved to no other epoch by what does not open', () => {
    const [a, b] = channels()
    const sealed = seal(a, 'here')
    for (let epoch = 0; epoch < 12; epoch++) {
      expect(open(b, { counter: epoch * EPOCH_COUNTERS + 7, bytes: sealed.bytes.slice() })).toBeUndefined()
    }
    expect(open(b, sealed)).toBe('here')
  })

  test('restores a counter from its low 32 bits, across their end', () => {
    const keys = someKeys()
    const [a, b] = [new Channel(keys), new Channel({ send: keys.receive, receive: keys.send })]
    for (let epoch = 0; epoch < 600; epoch++) {
      const { counter, bytes } = seal(a, 'x', epoch * EPOCH_MS)
      expect(b.restore(counter % 2 ** 32)).toBe(counter)
      expect(open(b, { counter: b.restore(counter % 2 ** 32), bytes })).toBe('x')
      expect(b.restore(Math.max(0, counter - 5) % 2 ** 32)).toBe(Math.max(0, counter - 5))
    }
    expect(b.greatest).toBeGreaterThan(2 ** 33)
  })

  test('authenticates bytes that it leaves readable', () => {
    const [a, b] = channels()
    const bytes = new Uint8Array(64)
    bytes.set(Buffer.from('in the clear'), 5)
    const counter = a.nextCounter(0)
    const length = a.authenticate(counter, bytes, 0, 17)
    expect(Buffer.from(bytes.subarray(5, 17)).toString()).toBe('in the clear')
    const changed = bytes.slice()
    changed[6]! ^= 1
    expect(b.check(counter, changed, 0, length)).toBe(false)
    expect(b.check(counter, bytes, 0, length)).toBe(true)
    expect(b.check(counter, bytes, 0, length)).toBe(false)
    expect(Buffer.from(bytes.subarray(5, 17)).toString()).toBe('in the clear')
  })

  test('does not open towards the side that sealed', () => {
    const [a] = channels()
    expect(open(a, seal(a, 'mirror'))).toBeUndefined()
  })
})

function someKeys() {
  return { send: random.bytes(32), receive: random.bytes(32) }
}

function channels(): [Channel, Channel] {
  const { send, receive } = someKeys()
  return [new Channel({ send, receive }), new Channel({ send: receive, receive: send })]
}

function seal(channel: Channel, text: string, now = 0): Sealed {
  const counter = channel.nextCounter(now)
  const bytes = new Uint8Array(HEADER + text.length + TAG_BYTES)
  new DataView(bytes.buffer).setBigUint64(6, BigInt(counter))
  bytes.set(Buffer.from(text), HEADER)
  channel.seal(counter, bytes, 0, HEADER, text.length)
  return { counter, bytes }
}

function open(channel: Channel, { counter, bytes }: Sealed): string | undefined {
  const copy = bytes.slice()
  const length = channel.open(counter, copy, 0, HEADER, copy.length)
  return length < 0 ? undefined : Buffer.from(copy.subarray(HEADER, HEADER + length)).toString()
}

function rekeyed(key: Uint8Array): Uint8Array {
  const nonce = Buffer.from('00000000ffffffffffffffff', 'hex')
  return createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 }).update(new Uint8Array(32))
}

const copyOf = ({ counter, bytes }: Sealed): Sealed => ({ counter, bytes: bytes.slice() })
