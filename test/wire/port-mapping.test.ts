import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Address, addressOf } from '../../shared/wire/address.ts'
import {
  decodeNatPmpRequest,
  decodeNatPmpResponse,
  encodeNatPmpRequest,
  encodeNatPmpResponse,
  type NatPmpRequest,
  type NatPmpResponse,
} from '../../shared/wire/port-mapping-nat-pmp.ts'
import {
  decodePcpRequest,
  decodePcpResponse,
  encodePcpRequest,
  encodePcpResponse,
  type PcpRequest,
  type PcpResponse,
} from '../../shared/wire/port-mapping-pcp.ts'
import { address, bytes, codec, codecSuite, fromHex, u8, u16, u32 } from './codec-suite.ts'

const at = (ip: string, port: number): Address => addressOf(ip, port)!
const ip = address.map(({ words }) => ({ words: Uint32Array.of(...words.subarray(0, 4), 0) }))
const ipv4 = u32.map((value) => ({ words: Uint32Array.of(0, 0, 0xffff, value, 0) }))
const kind = <K extends string>(it: K) => fc.constant(it)
const nonce = Uint8Array.from({ length: 12 }, (_, i) => 0xa0 + i)

const pcpRequest: fc.Arbitrary<PcpRequest> = fc.oneof(
  fc.record({ kind: kind('announce'), client: ip }),
  fc.record({
    kind: kind('map'),
    client: address,
    nonce: bytes(12),
    lifetimeSeconds: u32,
    external: address,
  }),
)
const pcpAnswer = { result: u8, lifetimeSeconds: u32, epochSeconds: u32 }
const pcpResponse: fc.Arbitrary<PcpResponse> = fc.oneof(
  fc.record({ kind: kind('announce'), ...pcpAnswer }),
  fc.record({ kind: kind('map'), ...pcpAnswer, nonce: bytes(12), internalPort: u16, external: address }),
)
const natPmpRequest: fc.Arbitrary<NatPmpRequest> = fc.oneof(
  fc.record({ kind: kind('address') }),
  fc.record({ kind: kind('map'), internalPort: u16, externalPort: u16, lifetimeSeconds: u32 }),
)
const natPmpAnswer = { result: u16, epochSeconds: u32 }
const natPmpResponse: fc.Arbitrary<NatPmpResponse> = fc.oneof(
  fc.record({ kind: kind('address'), ...natPmpAnswer, external: ipv4 }),
  fc.record({
    kind: kind('map'),
    ...natPmpAnswer,
    internalPort: u16,
    externalPort: u16,
    lifetimeSeconds: u32,
  }),
)

codecSuite({
  'a PCP ANNOUNCE request': codec<PcpRequest>({
    encode: encodePcpRequest,
    decode: decodePcpRequest,
    value: { kind: 'announce', client: at('192.168.1.10', 0) },
    line: '02 00 0000 00000000 00000000000000000000ffffc0a8010a',
    any: pcpRequest,
    least: 24,
  }),
  'a PCP MAP request': codec<PcpRequest>({
    encode: encodePcpRequest,
    decode: decodePcpRequest,
    value: {
      kind: 'map',
      client: at('192.168.1.10', 5000),
      nonce,
      lifetimeSeconds: 7200,
      external: at('0.0.0.0', 40000),
    },
    line: '02 01 0000 00001c20 00000000000000000000ffffc0a8010a a0a1a2a3a4a5a6a7a8a9aaab 11 000000 1388 9c40 00000000000000000000ffff00000000',
    any: pcpRequest,
    least: 60,
  }),
  'a PCP MAP request for an IPv6 pinhole': codec<PcpRequest>({
    encode: encodePcpRequest,
    decode: decodePcpRequest,
    value: {
      kind: 'map',
      client: at('2001:db8::a', 5000),
      nonce,
      lifetimeSeconds: 0,
      external: at('::', 0),
    },
    line: '02 01 0000 00000000 20010db800000000000000000000000a a0a1a2a3a4a5a6a7a8a9aaab 11 000000 1388 0000 00000000000000000000000000000000',
    any: pcpRequest,
    least: 60,
  }),
  'a PCP ANNOUNCE response': codec<PcpResponse>({
    encode: encodePcpResponse,
    decode: decodePcpResponse,
    value: { kind: 'announce', result: 0, lifetimeSeconds: 0, epochSeconds: 77 },
    line: '02 80 00 00 00000000 0000004d 000000000000000000000000',
    any: pcpResponse,
    least: 24,
  }),
  'a PCP MAP response': codec<PcpResponse>({
    encode: encodePcpResponse,
    decode: decodePcpResponse,
    value: {
      kind: 'map',
      result: 0,
      lifetimeSeconds: 3600,
      epochSeconds: 77,
      nonce,
      internalPort: 5000,
      external: at('203.0.113.2', 40000),
    },
    line: '02 81 00 00 00000e10 0000004d 000000000000000000000000 a0a1a2a3a4a5a6a7a8a9aaab 11 000000 1388 9c40 00000000000000000000ffffcb007102',
    any: pcpResponse,
    least: 60,
  }),
  'a NAT-PMP address request': codec<NatPmpRequest>({
    encode: encodeNatPmpRequest,
    decode: decodeNatPmpRequest,
    value: { kind: 'address' },
    line: '00 00',
    any: natPmpRequest,
    least: 2,
  }),
  'a NAT-PMP map request': codec<NatPmpRequest>({
    encode: encodeNatPmpRequest,
    decode: decodeNatPmpRequest,
    value: { kind: 'map', internalPort: 5000, externalPort: 40000, lifetimeSeconds: 7200 },
    line: '00 01 0000 1388 9c40 00001c20',
    any: natPmpRequest,
    least: 12,
  }),
  'a NAT-PMP address response': codec<NatPmpResponse>({
    encode: encodeNatPmpResponse,
    decode: decodeNatPmpResponse,
    value: { kind: 'address', result: 0, epochSeconds: 77, external: at('203.0.113.2', 0) },
    line: '00 80 0000 0000004d cb007102',
    any: natPmpResponse,
    least: 12,
  }),
  'a NAT-PMP map response': codec<NatPmpResponse>({
    encode: encodeNatPmpResponse,
    decode: decodeNatPmpResponse,
    value: {
      kind: 'map',
      result: 0,
      epochSeconds: 77,
      internalPort: 5000,
      externalPort: 40000,
      lifetimeSeconds: 7200,
    },
    line: '00 81 0000 0000004d 1388 9c40 00001c20',
    any: natPmpResponse,
    least: 16,
  }),
})

test('what a router of NAT-PMP alone says to PCP is no answer of either', () => {
  const unsupported = fromHex('00 80 0001 0000004d')
  expect(decodePcpResponse(unsupported)).toBeUndefined()
  expect(decodeNatPmpResponse(unsupported)).toBeUndefined()
})

test('a mapping of TCP is none of ours', () => {
  const line =
    '02 81 00 00 00000e10 0000004d 000000000000000000000000 a0a1a2a3a4a5a6a7a8a9aaab 06 000000 1388 9c40 00000000000000000000ffffcb007102'
  expect(decodePcpResponse(fromHex(line))).toBeUndefined()
})

test('options after a MAP response are skipped', () => {
  const line =
    '02 81 00 02 0000001e 0000004d 000000000000000000000000 a0a1a2a3a4a5a6a7a8a9aaab 11 000000 1388 9c40 00000000000000000000ffff00000000 02 00 0000'
  expect(decodePcpResponse(fromHex(line))).toMatchObject({ kind: 'map', result: 2, lifetimeSeconds: 30 })
})

test('a request is never taken for a response, nor a response for a request', () => {
  fc.assert(
    fc.property(pcpRequest, pcpResponse, natPmpRequest, natPmpResponse, (ask, answer, pmpAsk, pmpAnswer) => {
      expect(decodePcpResponse(encodePcpRequest(ask))).toBeUndefined()
      expect(decodePcpRequest(encodePcpResponse(answer))).toBeUndefined()
      expect(decodeNatPmpResponse(encodeNatPmpRequest(pmpAsk))).toBeUndefined()
      expect(decodeNatPmpRequest(encodeNatPmpResponse(pmpAnswer))).toBeUndefined()
    }),
  )
})
