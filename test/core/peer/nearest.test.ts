import { expect, test } from 'vitest'
import type { PeerNode } from '../../../shared/core/peer/events.ts'
import {
  isInOneRegion,
  LOOK_MS,
  Nearest,
  nearestFirst,
  type Place,
} from '../../../shared/core/peer/nearest.ts'
import { Random } from '../../../shared/crypto/random.ts'
import type { NodeId } from '../../../shared/ids.ts'
import { formatAddress, parseAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import { KIND } from '../../../shared/wire/numbers.ts'

const NOW = 1_000
const random = () => new Random(new Uint8Array(32).fill(1))

function nodeIn(region: string | undefined, ...addresses: string[]): PeerNode {
  return {
    node: addresses[0] as NodeId,
    publicKey: new Uint8Array(32),
    addresses: addresses.map((text) => parseAddress(text)!),
    ...(region !== undefined && { region }),
  }
}

const placesOf = (...nodes: PeerNode[]): Place[] =>
  nodes.flatMap((node) => node.addresses.map((address) => ({ node, address })))
const named = (places: readonly Place[]) => places.map(({ address }) => formatAddress(address.words))

const HERE = [1, 2, 3].map((n) => nodeIn('here', `192.0.2.${n}:3480`))
const THERE = [1, 2].map((n) => nodeIn('there', `198.51.100.${n}:3480`))
const places = placesOf(HERE[0]!, THERE[0]!, HERE[1]!, THERE[1]!, HERE[2]!)

function asked(nearest: Nearest, now: number) {
  const out = new Batch()
  const goesOn = nearest.tick(out, now)
  const all = Array.from({ length: out.count }, (_, i) => ({
    to: formatAddress(out.addressOf(i).words),
    bytes: out.at(i).slice(),
  }))
  return { goesOn, all }
}

/** Returns a node's answer to a question. */
const goneFor = (question: Uint8Array) => question.with(1, KIND.GONE)

test('two nodes of each region are asked at once, at all their addresses, by a keep-alive of no session', () => {
  const both = nodeIn('there', '198.51.100.9:3480', '[2001:db8::9]:3480')
  const { all } = asked(new Nearest(placesOf(...HERE, both), random(), NOW), NOW)
  expect(all.map(({ to }) => to)).toEqual([
    '192.0.2.1:3480',
    '192.0.2.2:3480',
    '198.51.100.9:3480',
    '[2001:db8::9]:3480',
  ])
  for (const { bytes } of all) expect([...bytes.subarray(0, 2), bytes.length]).toEqual([0x51, 0x06, 6])
  expect(new Set(all.map(({ bytes }) => `${bytes.subarray(2)}`)).size).toBe(all.length)
})

test('who answers is known by what it was asked, and nothing else is an answer', () => {
  const nearest = new Nearest(places, random(), NOW)
  const [, second] = asked(nearest, NOW).all
  expect(nearest.take(goneFor(second!.bytes))).toBe(places[1])
  expect(nearest.take(second!.bytes)).toBeUndefined()
  expect(nearest.take(new Uint8Array([0x51, KIND.GONE, 1, 2, 3, 4]))).toBeUndefined()
})

test('who answered comes first, then its region, then the others, each as they were drawn', () => {
  expect(named(nearestFirst(places, places[3]!))).toEqual([
    '198.51.100.2:3480',
    '198.51.100.1:3480',
    '192.0.2.1:3480',
    '192.0.2.2:3480',
    '192.0.2.3:3480',
  ])
})

test('a question is repeated twice, and given up when nobody answers', () => {
  const nearest = new Nearest(places, random(), NOW)
  const first = asked(nearest, NOW)
  const rounds = []
  let goesOn = true
  while (goesOn) {
    const round = asked(nearest, nearest.deadline())
    goesOn = round.goesOn
    if (goesOn) rounds.push(round.all)
  }
  expect(rounds).toEqual([first.all, first.all])
  expect(nearest.deadline()).toBe(NOW + LOOK_MS)
})

test('nodes that name no region are in one', () => {
  const nowhere = nodeIn(undefined, '203.0.113.1:3480')
  expect(isInOneRegion([nowhere, nowhere])).toBe(true)
  expect(isInOneRegion(HERE)).toBe(true)
  expect(isInOneRegion([...HERE, ...THERE])).toBe(false)
  expect(isInOneRegion([...HERE, nowhere])).toBe(false)
})
