import { expect, test } from 'vitest'
import { reachable } from '../../../shared/core/port-mapping/reachable.ts'
import { parseAddress } from '../../../shared/wire/address.ts'
import type { Candidate, CandidateKind } from '../../../shared/wire/profile.ts'

const candidate = (kind: CandidateKind, address: string): Candidate => ({
  kind,
  address: parseAddress(address)!,
})
const SEEN = [parseAddress('203.0.113.2:61000')!, parseAddress('203.0.113.2:61001')!]

test('a port on the address where we are seen is offered, whatever the port', () => {
  const mapped = candidate('mapped', '203.0.113.2:40000')
  expect(reachable([candidate('host', '192.168.1.10:5000'), mapped], SEEN)).toEqual([mapped])
})

test('a port of a gateway that is behind another NAT is not', () => {
  expect(reachable([candidate('mapped', '100.64.1.2:40000')], SEEN)).toEqual([])
})

test('nor is one of which it is not known yet', () => {
  expect(reachable([candidate('mapped', '203.0.113.2:40000')], [])).toEqual([])
})
