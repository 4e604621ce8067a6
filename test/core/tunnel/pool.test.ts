import { describe, expect, test } from 'vitest'
import { NAT_KINDS } from '../../sim/nat-kinds.ts'
import { Meeting } from './meeting.ts'

const EASY = { nat: NAT_KINDS['port-restricted'] }

/**
 * As Linux does, the router chooses the address by source and destination. Here the HANDSHAKE and the other side see different
 * ones.
 */
describe('a carrier with several public addresses is named as the reason', () => {
  test.each([
    ['and other ports for each destination', NAT_KINDS['symmetric-random']],
    ['and one port for each socket', NAT_KINDS['port-restricted']],
  ] as const)('%s, in either direction', (_name, nat) => {
    const pool = { nat, pool: 4 }
    for (const sites of [
      [pool, EASY],
      [EASY, pool],
    ] as const) {
      const { ends } = new Meeting({ sites }).meet().pass(25_000)
      expect(ends.map(({ path, whyNotDirect }) => [path, whyNotDirect])).toEqual([
        ['relayed', 'address-pool'],
        ['relayed', 'address-pool'],
      ])
    }
  })
})

test('a carrier with one address is not', () => {
  const meeting = new Meeting({ sites: [{ nat: NAT_KINDS['symmetric-random'], pool: 1 }, EASY] })
  meeting.cut()
  expect(
    meeting
      .meet()
      .pass(25_000)
      .ends.map(({ whyNotDirect }) => whyNotDirect),
  ).toEqual(['symmetric', 'symmetric'])
})
