/** A port mapping that arrives when the tunnel is already on the relay. */
import { expect, test } from 'vitest'
import { parseAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import { NAT_KINDS } from '../../sim/nat-kinds.ts'
import { Meeting } from '../tunnel/meeting.ts'

function relayed(): Meeting {
  const site = { nat: NAT_KINDS['symmetric-random'] }
  const meeting = new Meeting({ sites: [site, site] }).meet()
  expect(meeting.untilBoth('relayed')).toBeLessThan(1000)
  return meeting.pass(10_000)
}

/** Gives `a` a mapped address. Its host continues at the next datagram. */
function give({ a, world }: Meeting, address: string): void {
  const candidates = [{ kind: 'mapped', address: parseAddress(address)! } as const]
  a.machine.handle({ kind: 'candidates', candidates }, new Batch(), world.now)
  a.send()
}

test('it is worth another attempt, with both sides led to it', () => {
  const meeting = relayed()
  give(meeting, `${meeting.sites[0].router.ip}:40000`)
  expect(meeting.pass(2000).rejoins).toBe(1)
})

test('it is not where the other side could not come through it', () => {
  const meeting = relayed()
  give(meeting, '100.64.0.2:40000')
  expect(meeting.pass(2000).rejoins).toBe(0)
})
