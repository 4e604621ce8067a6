import { expect, test } from 'vitest'
import { FleetView } from '../../../shared/core/checkpoint/fleet-view.ts'
import { NodeLinks } from '../../../shared/core/checkpoint/node-links.ts'
import { Wall } from '../../../shared/core/wall.ts'
import { Random } from '../../../shared/crypto/random.ts'
import type { NodeId } from '../../../shared/ids.ts'
import { Batch } from '../../../shared/wire/batch.ts'

const NOW = 1_800_000_000_000
const [A, B] = ['node_aaaaaaaa', 'node_bbbbbbbb'] as NodeId[] as [NodeId, NodeId]
const KEY = new Uint8Array(32).fill(7)

function links(node: NodeId, { keys = [KEY], now = NOW, wall = new Wall() } = {}): NodeLinks {
  const fleet = new FleetView(node)
  const rest = { roles: ['checkpoint'], publicKey: '', load: 0, draining: false, startedAt: 0 } as const
  const addresses = { checkpoint: ['192.0.2.2:3480'] }
  fleet.setAll([{ node: B, addresses, expiresAtSeconds: NOW, ...rest }])
  const random = new Random(new Uint8Array(32).fill(1))
  return new NodeLinks({ node, fleet, keys, random, wall, now })
}

function sent(from: NodeLinks, bodies: readonly Uint8Array[], now = NOW): Uint8Array[] {
  for (const body of bodies) from.send(B, 0xc0, body)
  const out = new Batch()
  from.flush(out, now)
  return Array.from({ length: out.count }, (_, i) => out.at(i).slice())
}

function read(by: NodeLinks, datagram: Uint8Array, now = NOW): string[] | undefined {
  const opened = by.open(datagram, now)
  if (opened === undefined) return undefined
  const bodies: string[] = []
  while (opened.frames.next()) bodies.push(`${opened.from} ${Buffer.from(opened.frames.body).toString()}`)
  return bodies
}

const text = (value: string): Uint8Array => Buffer.from(value)

test('frames for one node travel together, at most 1,200 bytes at a time', () => {
  const from = links(A)
  const [datagram, ...more] = sent(from, [text('one'), text('two')])
  expect(more).toEqual([])
  expect(read(links(B), datagram!)).toEqual([`${A} one`, `${A} two`])
  const lengths = sent(from, Array(10).fill(new Uint8Array(500))).map(({ length }) => length)
  expect(lengths).toHaveLength(5)
  expect(Math.max(...lengths)).toBeLessThanOrEqual(1200)
})

test('nothing leaves for a node that is not known', () => {
  const from = links(A)
  from.send('node_zzzzzzzz' as NodeId, 0xc0, text('x'))
  const out = new Batch()
  from.flush(out, NOW)
  expect(out.count).toBe(0)
})

test('each datagram is read once, in whatever order they come', () => {
  const from = links(A)
  const to = links(B)
  const datagrams = ['one', 'two', 'three'].map((word) => sent(from, [text(word)])[0]!)
  expect(datagrams.reverse().map((each) => read(to, each))).toEqual([
    [`${A} three`],
    [`${A} two`],
    [`${A} one`],
  ])
  expect(datagrams.map((each) => read(to, each))).toEqual([undefined, undefined, undefined])
})

test('what is older than 30 s, changed or of another fleet is not read', () => {
  const datagram = sent(links(A), [text('x')])[0]!
  expect(read(links(B), datagram, NOW + 31_000)).toBeUndefined()
  expect(read(links(B, { keys: [new Uint8Array(32)] }), datagram)).toBeUndefined()
  for (let at = 2; at < datagram.length; at++) {
    const bad = datagram.slice()
    bad[at]! ^= 1
    expect(read(links(B), bad)).toBeUndefined()
  }
  expect(read(links(B), datagram)).toEqual([`${A} x`])
})

test('a datagram that is replayed to another node, or to the same one within 30 s, is not read', () => {
  const datagram = sent(links(A), [text('x')])[0]!
  const [to, another] = [links(B), links('node_cccccccc' as NodeId)]
  expect(read(another, datagram)).toBeUndefined()
  expect(read(to, datagram)).toEqual([`${A} x`])
  expect(read(to, datagram, NOW + 29_000)).toBeUndefined()
})

test('what was read just before a node has counted for half an hour is not read again', () => {
  const HALF_HOUR_MS = 35 * 60_000
  const to = links(B)
  read(to, sent(links(A), [text('first')])[0]!)
  const later = links(A, { now: NOW + HALF_HOUR_MS })
  const [old, next] = ['old', 'next'].map((word) => sent(later, [text(word)], NOW + HALF_HOUR_MS)[0]!)
  expect(read(to, old!, NOW + HALF_HOUR_MS)).toEqual([`${A} old`])
  expect(read(to, next!, NOW + HALF_HOUR_MS)).toEqual([`${A} next`])
  expect([old!, next!].map((each) => read(to, each, NOW + HALF_HOUR_MS))).toEqual([undefined, undefined])
})

test('a node that started again is heard, and what it said before is dead', () => {
  const to = links(B)
  const before = links(A)
  const old = sent(before, [text('old')])[0]!
  expect(read(to, sent(before, [text('first')])[0]!)).toEqual([`${A} first`])
  const again = sent(links(A, { now: NOW + 5000 }), [text('again')], NOW + 5000)[0]!
  expect(read(to, again, NOW + 5000)).toEqual([`${A} again`])
  expect(read(to, old, NOW + 5000)).toBeUndefined()
})

test('while the fleet’s key is being changed both open, and the newest seals', () => {
  const next = new Uint8Array(32).fill(8)
  const to = links(B, { keys: [next, KEY] })
  const from = links(A)
  expect(read(to, sent(from, [text('old key')])[0]!)).toEqual([`${A} old key`])
  from.keys = [next, KEY]
  const sealed = sent(from, [text('new key')])[0]!
  expect(read(links(B), sealed)).toBeUndefined()
  expect(read(to, sealed)).toEqual([`${A} new key`])
})

test('a node that counted from a clock thirty days ahead is heard again a minute after it was started anew', () => {
  const to = links(B)
  const month = 30 * 24 * 3_600_000
  const ahead = links(A, { now: NOW + month })
  expect(read(to, sent(ahead, [text('ahead')])[0]!)).toEqual([`${A} ahead`])
  const again = links(A)
  expect(read(to, sent(again, [text('early')])[0]!)).toBeUndefined()
  const later = NOW + 60_001
  expect(read(to, sent(again, [text('later')], later)[0]!, later)).toEqual([`${A} later`])
})

test('the time of a datagram is that of the wall clock, at both ends', () => {
  const [ahead, right] = [Object.assign(new Wall(), { aheadMs: 7_200_000 }), new Wall()]
  const [datagram] = sent(links(A, { wall: ahead }), [text('ahead')])
  expect(read(links(B, { wall: right }), datagram!)).toBeUndefined()
  expect(read(links(B, { wall: ahead }), datagram!)).toEqual([`${A} ahead`])
})
