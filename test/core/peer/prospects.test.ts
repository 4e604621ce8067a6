import { expect, test } from 'vitest'
import { type NatEvidence, type Prospect, prospects } from '../../../shared/core/peer/prospects.ts'
import { addressOf } from '../../../shared/wire/address.ts'
import { UNKNOWN_PROFILE } from '../../../shared/wire/profile.ts'

const HOME: NatEvidence = {
  ...UNKNOWN_PROFILE,
  mapping: 'independent',
  filtering: 'addressAndPort',
  allocation: 'preserving',
  forgiving: true,
  reflexive: [addressOf('203.0.113.1', 40_000)!],
  local: [],
}
const OPEN: NatEvidence = { ...HOME, filtering: 'independent' }
const SYMMETRIC: NatEvidence = { ...HOME, mapping: 'addressAndPort', allocation: 'random', forgiving: false }

const wordOf = (it: Prospect): string => (it.path === 'direct' ? it.technique : it.whyNotDirect)

test.each([
  ['nothing in the way', OPEN, false, ['punch', 'open', 'open']],
  ['an ordinary router', HOME, false, ['open', 'punch', 'scatter']],
  ['a symmetric one', SYMMETRIC, false, ['open', 'scatter', 'both-symmetric']],
  ['a symmetric one that gives ports', SYMMETRIC, true, ['mapped', 'mapped', 'mapped']],
  ['UDP blocked', { ...HOME, reflexive: [] }, false, ['udp-blocked', 'udp-blocked', 'udp-blocked']],
] as const)('%s: what is tried against open, ordinary and symmetric', (_name, evidence, givesPorts, expected) => {
  const { open, 'port-restricted': ordinary, symmetric } = prospects(evidence, givesPorts)
  expect([open, ordinary, symmetric].map(wordOf)).toEqual(expected)
})
