import { expect, test } from 'vitest'
import { noCounters } from '../../../shared/core/checkpoint/counters.ts'
import type { PeerSession } from '../../../shared/core/checkpoint/peer-session.ts'
import { SessionTable } from '../../../shared/core/checkpoint/session-table.ts'
import { Random } from '../../../shared/crypto/random.ts'
import type { PeerId, UserId } from '../../../shared/ids.ts'
import { parseAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'

const CHALLENGES = new Random(new Uint8Array(32).fill(5))
const NOW = 1_800_000_000_000
const FROM = parseAddress('198.51.100.7:5000')!

function opened(table: SessionTable, now = NOW): PeerSession {
  const arrived = new Batch(1)
  arrived.push(new Uint8Array(6), FROM.words)
  const keys = { send: new Uint8Array(32), receive: new Uint8Array(32) }
  const who = { peer: 'p' as PeerId, user: 'u' as UserId, since: now, networks: [], blocks: [] }
  const times = { ticketEndsAt: now + 3600_000, intervalMs: 25_000 }
  return table.open({ ...who, ...times, keys, remoteIndex: 1, arrived, i: 0 }, now)!
}

function ended(table: SessionTable, now: number): string[] {
  const ends: string[] = []
  table.flush(new Batch(), now, (session, how) => {
    ends.push(how)
    session.stage = 'ended'
    table.touch(session)
  })
  return ends
}

test('a slot that is used again has another index', () => {
  const table = new SessionTable(noCounters(), CHALLENGES)
  const seen = new Set<number>()
  for (let i = 0; i < 500; i++) {
    const session = opened(table)
    seen.add(session.session.index)
    expect(table.find(session.session.index)).toBe(session)
    table.release(session)
    expect(table.find(session.session.index)).toBeUndefined()
  }
  expect(seen.size).toBe(500)
})

test('ten thousand sessions are told apart', () => {
  const table = new SessionTable(noCounters(), CHALLENGES)
  const sessions = Array.from({ length: 10_000 }, () => opened(table))
  for (const session of sessions) expect(table.find(session.session.index)).toBe(session)
  expect(table.find(0)).toBeUndefined()
  expect(table.find(0xffffffff)).toBeUndefined()
})

test('a lease is looked at only when it would end, and a keep-alive meanwhile carries it on', () => {
  const table = new SessionTable(noCounters(), CHALLENGES)
  const session = opened(table)
  table.touch(session)
  expect(ended(table, NOW)).toEqual([])
  expect(table.deadline()).toBe(NOW + 75_000)
  const keepAlive = new Batch(1)
  const bytes = new Uint8Array(6)
  new DataView(bytes.buffer).setUint32(2, session.session.index)
  keepAlive.push(bytes, FROM.words)
  table.keepAlive(keepAlive, 0, new Batch(), NOW + 60_000)
  expect(table.deadline()).toBe(NOW + 75_000)
  expect(ended(table, NOW + 75_000)).toEqual([])
  expect(table.deadline()).toBe(NOW + 135_000)
  expect(ended(table, NOW + 135_000)).toEqual(['lost'])
  expect(table.deadline()).toBe(Number.POSITIVE_INFINITY)
  expect(table.find(session.session.index)).toBeUndefined()
})

test('a session ends with its ticket although its peer is there', () => {
  const table = new SessionTable(noCounters(), CHALLENGES)
  const session = opened(table)
  session.ticketEndsAt = NOW + 30_000
  table.touch(session)
  ended(table, NOW)
  expect(ended(table, NOW + 30_000)).toEqual(['ticketEnded'])
})
