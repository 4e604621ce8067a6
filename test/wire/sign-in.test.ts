import fc from 'fast-check'
import { parseAddress } from '../../shared/wire/address.ts'
import * as wire from '../../shared/wire/sign-in.ts'
import { address, bytes, codec, codecSuite, filled, fromHex, some, u32, u48 } from './codec-suite.ts'

codecSuite({
  SIGN_IN: codec<wire.SignIn>({
    encode: wire.encodeSignIn,
    decode: wire.decodeSignIn,
    value: { index: 7, cookie: filled(16, 0xcc), noise: fromHex('aabbcc') },
    line: `5101 00000007 ${'cc'.repeat(16)} aabbcc`,
    any: fc.record({ index: u32, cookie: bytes(16), noise: some(300) }),
    least: 22,
  }),
  'Noise message 1': codec<wire.SignInPayload>({
    encode: wire.encodeSignInPayload,
    decode: wire.decodeSignInPayload,
    value: { sentAt: 1_790_000_000_000, ticket: fromHex('aabb') },
    line: '01a0c4506c00 0002aabb',
    any: fc.record({ sentAt: u48, ticket: some(900) }),
    least: 10,
  }),
  WELCOME: codec<wire.WelcomeDatagram>({
    encode: wire.encodeWelcomeDatagram,
    decode: wire.decodeWelcomeDatagram,
    value: { index: 7, nodeIndex: 0xfedcba98, noise: fromHex('aabb') },
    line: '5102 00000007 fedcba98 aabb',
    any: fc.record({ index: u32, nodeIndex: u32, noise: some(100) }),
    least: 10,
  }),
  'Noise message 2': codec<wire.Welcome>({
    encode: wire.encodeWelcome,
    decode: wire.decodeWelcome,
    value: {
      status: 'clock',
      since: 1,
      serverTime: 1_790_000_000_000,
      keepAliveMs: 25_000,
      observed: parseAddress('203.0.113.7:40000')!,
    },
    line: '04 000000000001 01a0c4506c00 000061a8 00000000000000000000ffffcb0071079c40',
    any: fc.record({
      status: fc.constantFrom('welcome', 'invalid', 'ended', 'otherKey', 'clock', 'draining', 'revoked'),
      since: u48,
      serverTime: u48,
      keepAliveMs: u32,
      observed: address,
    }),
    least: 35,
  }),
  COOKIE: codec<wire.Cookie>({
    encode: wire.encodeCookie,
    decode: wire.decodeCookie,
    value: { index: 7, cookie: filled(16, 0xcc) },
    line: `5103 00000007 ${'cc'.repeat(16)}`,
    any: fc.record({ index: u32, cookie: bytes(16) }),
    least: 22,
  }),
})
