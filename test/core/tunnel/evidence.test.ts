import { expect, test } from 'vitest'
import { addressOf } from '../../../shared/wire/address.ts'
import { evidenceOf } from '../../sim/gathering.ts'
import { NAT_KINDS, type NatKind } from '../../sim/nat-kinds.ts'
import { Meeting } from './meeting.ts'

function evidenceBehind(kind: NatKind) {
  const { hosts, nodes } = new Meeting({ sites: [{ nat: NAT_KINDS[kind] }, {}] })
  const servers = nodes.map(({ ips }) => ({
    primary: addressOf(ips[0]!, 3478)!,
    alternate: addressOf(ips[0]!, 3479)!,
  }))
  return evidenceOf(hosts[0], servers, { tracing: true })
}

test.each([
  ['full-cone', { mapping: 'independent', filtering: 'independent' }],
  ['address-restricted', { mapping: 'independent', filtering: 'address', forgiving: true }],
  [
    'port-restricted',
    { mapping: 'independent', filtering: 'addressAndPort', forgiving: true, hairpin: false },
  ],
  ['hairpin-cone', { mapping: 'independent', filtering: 'addressAndPort', hairpin: true }],
  ['linux-exposed', { mapping: 'independent', filtering: 'addressAndPort', forgiving: false }],
  ['symmetric-random', { mapping: 'addressAndPort', filtering: 'addressAndPort', forgiving: false }],
] as const)('what %s does is known in time', (kind, expected) => {
  const { tookMs, ...found } = evidenceBehind(kind)
  expect(found).toMatchObject({ ready: true, ...expected })
  expect(tookMs).toBeLessThan(500)
})
