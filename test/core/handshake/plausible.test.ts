/** The filter of the candidates that a peer names: it decides which addresses others may be made to send to. */
import { expect, test } from 'vitest'
import { plan } from '../../../shared/core/handshake/planner.ts'
import { isPrivate, plausible } from '../../../shared/core/handshake/plausible.ts'
import { type Address, formatAddress, parseAddress } from '../../../shared/wire/address.ts'
import { type Candidate, type CandidateKind, UNKNOWN_PROFILE } from '../../../shared/wire/profile.ts'

const at = (text: string): Address => parseAddress(text)!
const SEEN = at('93.184.216.34:40000')
const candidate = (kind: CandidateKind, text: string): Candidate => ({ kind, address: at(text) })
const kept = (kind: CandidateKind, text: string, ...proven: Address[]) =>
  plausible([candidate(kind, text)], proven.length > 0 ? proven : [SEEN]).length === 1

test.each([
  '127.0.0.1:9',
  '255.255.255.255:9',
  '224.0.0.251:5353',
  '169.254.169.254:80',
  '0.0.0.0:9',
  '192.0.2.1:9',
  '198.51.100.1:9',
  '203.0.113.1:9',
  '198.18.0.1:9',
  '240.0.0.1:9',
  '192.88.99.1:9',
  '8.8.8.8:53',
  '93.184.216.34:0',
  '[::]:9',
  '[::1]:9',
  '[ff02::fb]:5353',
  '[fe80::1]:9',
  '[::8.8.8.8]:9',
  '[::ffff:169.254.169.254]:9',
  '[64:ff9b::a9fe:a9fe]:9',
  '[2002:a9fe:a9fe::1]:9',
  '[2001:0:4136:e378:8000:63bf:3fff:fdd2]:9',
  '[2001:db8::1]:9',
  '[100::1]:9',
  '[fd00:ec2::254]:0',
])('%s is believed of nobody who was seen elsewhere, whatever it is called', (text) => {
  const kinds = ['host', 'reflexive', 'mapped'] as const
  expect(kinds.filter((kind) => kept(kind, text))).toEqual([])
})

test('another port of where it was seen is believed, by HANDSHAKE or by CHECKPOINT', () => {
  const kinds = ['host', 'reflexive', 'mapped'] as const
  expect(kinds.map((kind) => kept(kind, '93.184.216.34:53'))).toEqual([true, true, true])
  expect(kept('reflexive', '93.184.216.34:53', at('[2a00:1::1]:5'), SEEN)).toBe(true)
})

test('loopback is believed of who was seen on loopback', () => {
  expect(kept('host', '127.0.0.2:9', at('127.0.0.1:4000'))).toBe(true)
  expect(kept('host', '[::1]:9', at('127.0.0.1:4000'))).toBe(true)
})

test('global IPv6 is believed in the network it was seen in, and of two addresses where it was seen in none', () => {
  const seen = at('[2a00:1:2:3::1]:4000')
  expect(kept('host', '[2a00:1:2:3::99]:9', seen)).toBe(true)
  expect(kept('host', '[2a00:1:2:4::99]:9', seen)).toBe(false)
  const many = Array.from({ length: 16 }, (_, i) => candidate('host', `[2a00:7::${i + 1}]:9`))
  expect(plausible(many, [SEEN])).toHaveLength(2)
})

test('private addresses are private', () => {
  const texts = ['10.1.2.3:1', '100.64.0.1:1', '172.31.255.1:1', '192.168.0.1:1', '[fd12::1]:1']
  expect(texts.map((text) => isPrivate(at(text)))).toEqual(texts.map(() => true))
  expect(['11.0.0.1:1', '172.32.0.1:1', '[2a00::1]:1'].some((text) => isPrivate(at(text)))).toBe(false)
})

test('private hosts are tried by those behind the same public address, and by nobody else, however near they seem', () => {
  const profile = (seen: string, host: string) => ({
    ...UNKNOWN_PROFILE,
    ready: true,
    candidates: [candidate('reflexive', seen), candidate('host', host)],
  })
  const targets = (a: string, b: string) =>
    plan(profile(a, '192.168.1.5:4000'), profile(b, '192.168.1.250:161'), 0)
      .steps.flatMap(({ sides }) => sides.flatMap((side) => side.targets))
      .map(({ words }) => formatAddress(words))
  expect(targets('93.184.216.34:1', '93.184.216.34:2')).toContain('192.168.1.250:161')
  expect(targets('93.184.216.34:1', '93.184.216.35:2')).not.toContain('192.168.1.250:161')
})
