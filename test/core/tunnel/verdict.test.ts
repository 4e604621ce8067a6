/**
 * The verdict for a side about a direct path that the other side has proven and it has not. The two sides are far from each
 * other and near the HANDSHAKE. If one NAT admits every sender and the other does not, one side is ahead by half a round
 * trip. Its success is then reported before the other side has its own.
 */
import { describe, expect, test } from 'vitest'
import type { Paths } from '../../../shared/paths.ts'
import { NAT_KINDS } from '../../sim/nat-kinds.ts'
import { Meeting } from './meeting.ts'

/** One-way delay. The step ends when one side has succeeded and the other has not yet. */
const FAR_MS = 340
const reasonsOf = ({ ends }: Meeting) =>
  ends.flatMap(({ paths }) => paths.map(({ whyNotDirect }) => whyNotDirect))

function farApart(paths: Paths): Meeting {
  const sites = [{ nat: NAT_KINDS['full-cone'] }, { nat: NAT_KINDS['port-restricted'] }] as const
  const meeting = new Meeting({ sites, paths })
  meeting.worsen({ loss: 0, delayMs: FAR_MS })
  return meeting.meet()
}

describe('a direct path that the other side has proven', () => {
  test('gives no reason for the relay while this side proves it', () => {
    const meeting = farApart('auto').pass(5000)
    expect(meeting.machine.counters.direct).toEqual({ open: 1 })
    expect(reasonsOf(meeting)).not.toContain('probe-timeout')
  })

  test('ends no tunnel that wants only a direct one', () => {
    const meeting = farApart('direct-only')
    expect(meeting.untilBoth('direct', 5000)).toBeLessThan(5000)
    expect(meeting.ends.map(({ end }) => end)).toEqual([undefined, undefined])
  })

  test('and that this side never proves is none', () => {
    const meeting = farApart('direct-only')
    meeting.world.until(() => meeting.ends.some(({ path }) => path === 'direct'), 5000)
    expect(meeting.ends.map(({ path }) => path)).toEqual(['none', 'direct'])
    meeting.cut()
    meeting.pass(5000)
    expect(meeting.a.end).toBe('noDirectPath')
  })
})
