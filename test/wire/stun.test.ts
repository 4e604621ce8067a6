import { crc32 as zlibCrc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addressOf, formatAddress } from '../../shared/wire/address.ts'
import { Batch, SLOT_BYTES } from '../../shared/wire/batch.ts'
import { crc32 } from '../../shared/wire/crc32.ts'
import { ATTRIBUTE, STUN_TYPE } from '../../shared/wire/stun.ts'
import {
  type BindingOptions,
  decodeBindingAnswer,
  encodeBindingRequest,
} from '../../shared/wire/stun-client.ts'
import { StunRequest, type StunVerdict } from '../../shared/wire/stun-request.ts'
import { StunWriter } from '../../shared/wire/stun-writer.ts'

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const SOURCE = addressOf('192.0.2.1', 32853)!
const TRANSACTION = bytesOf('b7e7a701bc34d686fa87dfae')

/** RFC 5769 sections 2.1 to 2.4. */
const RFC_5769 = {
  request:
    '00010058 2112a442 b7e7a701bc34d686fa87dfae 80220010 5354554e207465737420636c69656e74 00240004 6e0001ff 80290008 932ff9b151263b36 00060009 6576746a3a68367659202020 00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004 e57a3bcf',
  ipv4: '0101003c 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220 00200008 0001a147 e112a643 00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004 c07d4c96',
  ipv6: '01010048 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220 00200014 0002a147 0113a9faa5d3f179bc25f4b5bed2b9d9 00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c',
  longTerm:
    '00010060 2112a442 78ad3433c6ad72c029da412e 00060012 e3839ee38388e383aae38383e382afe382b90000 0015001c 662f2f3439396b39353464364f4c33346f4c394653547679363473 41 0014000b 6578616d706c652e6f726700 00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666',
}

function read(bytes: Uint8Array): { verdict: StunVerdict; request: StunRequest } {
  const batch = new Batch(2)
  batch.push(Uint8Array.of(0xff), SOURCE.words)
  batch.push(bytes, SOURCE.words)
  const request = new StunRequest()
  return { verdict: request.read(batch, 1), request }
}

function write(build: (writer: StunWriter) => void, fingerprint = false): Uint8Array {
  const batch = new Batch(2)
  batch.push(Uint8Array.of(0xff), SOURCE.words)
  const slot = batch.claim(SOURCE.words, 0, 0)
  batch.bytes.fill(0xee, batch.start(slot))
  const writer = new StunWriter().begin(batch, slot, STUN_TYPE.success, TRANSACTION, 0)
  build(writer)
  writer.end(fingerprint)
  return batch.at(slot)
}

test('the CRC is the one of zlib', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => crc32(bytes) === zlibCrc32(bytes)))
})

test('RFC 5769 2.1: the sample request is read, and PRIORITY is not understood', () => {
  const { verdict, request } = read(bytesOf(RFC_5769.request))
  expect([verdict, request.hasFingerprint, request.length]).toEqual(['request', true, 108])
  expect([...request.unknown.subarray(0, request.unknownCount)]).toEqual([0x0024])
})

test('RFC 5769 2.4: a request with credentials is a request like any other', () => {
  const { verdict, request } = read(bytesOf(RFC_5769.longTerm))
  expect([verdict, request.hasFingerprint, request.unknownCount]).toEqual(['request', false, 0])
})

test.each([
  [RFC_5769.ipv4, '192.0.2.1:32853'],
  [RFC_5769.ipv6, '[2001:db8:1234:5678:11:2233:4455:6677]:32853'],
])('RFC 5769 2.2 and 2.3: the sample answers are read', (hex, mapped) => {
  const answer = decodeBindingAnswer(bytesOf(hex))!
  expect(formatAddress(answer.mapped!.words)).toBe(mapped)
  expect([answer.software, hexOf(answer.transaction)]).toEqual(['test vector', hexOf(TRANSACTION)])
})

test.each([
  ['192.0.2.1', '00200008 0001a147 e112a643'],
  ['2001:db8:1234:5678:11:2233:4455:6677', '00200014 0002a147 0113a9faa5d3f179bc25f4b5bed2b9d9'],
])('XOR-MAPPED-ADDRESS of %s is written as in RFC 5769', (ip, hex) => {
  const written = write((writer) => writer.xorMappedAddress(addressOf(ip, 32853)!.words, 0))
  expect(hexOf(written.subarray(20))).toBe(hexOf(bytesOf(hex)))
})

/** Vectors: one line of hex for each message, as on the wire. */
test.each<[string, BindingOptions, string]>([
  ['plain', { fingerprint: false }, '00010000 2112a442 b7e7a701bc34d686fa87dfae'],
  ['fingerprint', {}, '00010008 2112a442 b7e7a701bc34d686fa87dfae 80280004 fdf6ae02'],
  [
    'change',
    { changeIp: true, changePort: true, fingerprint: false },
    '00010008 2112a442 b7e7a701bc34d686fa87dfae 00030004 00000006',
  ],
  [
    'port',
    { responsePort: 4660, fingerprint: false },
    '00010008 2112a442 b7e7a701bc34d686fa87dfae 00270004 12340000',
  ],
  [
    'padding',
    { padding: 3, fingerprint: false },
    '00010008 2112a442 b7e7a701bc34d686fa87dfae 00260004 00000000',
  ],
  [
    'software',
    { software: 'abc', fingerprint: false },
    '00010008 2112a442 b7e7a701bc34d686fa87dfae 80220003 61626300',
  ],
])('a request with %s is this line', (_name, options, line) => {
  expect(hexOf(encodeBindingRequest(TRANSACTION, options))).toBe(hexOf(bytesOf(line)))
})

test('every request a client can build is read as it was meant', () => {
  const options = fc.record(
    {
      changeIp: fc.boolean(),
      changePort: fc.boolean(),
      responsePort: fc.integer({ min: 1, max: 0xffff }),
      padding: fc.nat({ max: 1500 }),
      software: fc.string({ maxLength: 60 }),
      fingerprint: fc.boolean(),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(options, (wanted) => {
      const { verdict, request } = read(encodeBindingRequest(TRANSACTION, wanted))
      expect(verdict).toBe('request')
      expect(request.changeIp).toBe(wanted.changeIp ?? false)
      expect(request.changePort).toBe(wanted.changePort ?? false)
      expect(request.responsePort).toBe(wanted.responsePort ?? -1)
      expect(request.padding).toBe(wanted.padding === undefined ? -1 : (wanted.padding + 3) & ~3)
      expect(request.hasFingerprint).toBe(wanted.fingerprint ?? true)
      expect([request.isBad, request.unknownCount]).toEqual([false, 0])
    }),
  )
})

const ip = fc.oneof(fc.ipV4(), fc.ipV6())
const address = fc.tuple(ip, fc.nat({ max: 0xffff })).map(([host, port]) => addressOf(host, port)!)

test('every answer a server can write is read as it was meant, with the slot dirty before', () => {
  fc.assert(
    fc.property(
      address,
      address,
      address,
      fc.boolean(),
      fc.nat({ max: 100 }),
      (mapped, origin, other, fingerprint, pad) => {
        const written = write((writer) => {
          writer.xorMappedAddress(mapped.words, 0).address(ATTRIBUTE.RESPONSE_ORIGIN, origin.words, 0)
          writer.address(ATTRIBUTE.OTHER_ADDRESS, other.words, 0).padding(pad * 4)
          writer
            .value(ATTRIBUTE.SOFTWARE, bytesOf('6162636465'))
            .address(ATTRIBUTE.MAPPED_ADDRESS, mapped.words, 0)
        }, fingerprint)
        expect(decodeBindingAnswer(written)).toEqual({
          transaction: TRANSACTION,
          mapped,
          plainMapped: mapped,
          origin,
          other,
          software: 'abcde',
        })
      },
    ),
  )
})

test('an error answer says what was not understood', () => {
  const batch = new Batch(1)
  const slot = batch.claim(SOURCE.words, 0, 0)
  const writer = new StunWriter().begin(batch, slot, STUN_TYPE.error, TRANSACTION, 0)
  writer
    .errorCode(420)
    .unknownAttributes(Uint16Array.of(0x24, 0x25, 0x7fff), 3)
    .end(true)
  expect(hexOf(batch.at(slot).subarray(20, 40))).toBe(
    hexOf(bytesOf('00090004 00000414 000a0006 00240025 7fff0000')),
  )
  expect(decodeBindingAnswer(batch.at(slot))).toMatchObject({ error: 420, unknown: [0x24, 0x25, 0x7fff] })
})

test('a message whose every byte changed in turn is never taken with a wrong fingerprint', () => {
  const good = encodeBindingRequest(TRANSACTION, { changeIp: true, padding: 8 })
  for (let i = 0; i < good.length; i++) {
    const changed = good.slice()
    changed[i]! ^= 1
    const { verdict, request } = read(changed)
    expect(verdict === 'request' && request.hasFingerprint).toBe(false)
  }
})

test.each<[StunVerdict, string, string]>([
  ['malformed', 'nothing', ''],
  ['malformed', 'half a header', '00010000 2112a442 b7e7a701'],
  ['malformed', 'the top bits set', '40010000 2112a442 b7e7a701bc34d686fa87dfae'],
  ['wrongCookie', 'the old STUN', '00010000 2112a443 b7e7a701bc34d686fa87dfae'],
  ['malformed', 'more length than bytes', '00010004 2112a442 b7e7a701bc34d686fa87dfae'],
  ['malformed', 'less length than bytes', '00010000 2112a442 b7e7a701bc34d686fa87dfae 80220000'],
  ['malformed', 'a length of no words', '00010002 2112a442 b7e7a701bc34d686fa87dfae 8022'],
  ['malformed', 'an attribute past the end', '00010004 2112a442 b7e7a701bc34d686fa87dfae 80220001'],
  ['notARequest', 'an indication', '00110000 2112a442 b7e7a701bc34d686fa87dfae'],
  ['notARequest', 'an answer', '01010000 2112a442 b7e7a701bc34d686fa87dfae'],
  ['notARequest', 'another method', '00030000 2112a442 b7e7a701bc34d686fa87dfae'],
  [
    'wrongFingerprint',
    'a fingerprint before others',
    '0001000c 2112a442 b7e7a701bc34d686fa87dfae 80280004 00000000 80220000',
  ],
  ['wrongFingerprint', 'a short fingerprint', '00010004 2112a442 b7e7a701bc34d686fa87dfae 80280000'],
])('%s: %s', (verdict, _what, hex) => {
  expect(read(bytesOf(hex)).verdict).toBe(verdict)
})

test.each([
  ['CHANGE-REQUEST of no bytes', '00010004 2112a442 b7e7a701bc34d686fa87dfae 00030000'],
  ['RESPONSE-PORT 0', '00010008 2112a442 b7e7a701bc34d686fa87dfae 00270004 00000000'],
  ['RESPONSE-PORT of no bytes', '00010004 2112a442 b7e7a701bc34d686fa87dfae 00270000'],
])('a request with %s is bad', (_what, hex) => {
  const { verdict, request } = read(bytesOf(hex))
  expect([verdict, request.isBad]).toEqual(['request', true])
})

test('what follows MESSAGE-INTEGRITY is not read', () => {
  const hex = `00010020 2112a442 b7e7a701bc34d686fa87dfae 00080014 ${'00'.repeat(20)} 00240004 00000000`
  expect(read(bytesOf(hex)).request.unknownCount).toBe(0)
})

test('no bytes make a reader throw', () => {
  const header = fc.constantFrom('0001', '0101', '0111').map((type) => bytesOf(`${type}00002112a442`))
  const likely = fc.tuple(header, fc.uint8Array({ maxLength: 400 })).map(([head, tail]) => {
    const bytes = Uint8Array.of(...head, ...tail.subarray(0, tail.length & ~3))
    if (bytes.length >= 20) new DataView(bytes.buffer).setUint16(2, bytes.length - 20)
    return bytes
  })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: SLOT_BYTES }), likely), (bytes) => {
      read(bytes)
      decodeBindingAnswer(bytes)
    }),
    { numRuns: 5000 },
  )
})
