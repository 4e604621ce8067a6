import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Inbox } from '../../../shared/core/peer/inbox.ts'
import { peerIdOf } from '../../../shared/ids.ts'
import type { Message } from '../../../shared/wire/messages.ts'

const sender = peerIdOf(new Uint8Array(32).fill(7))
const message = (sequence: number, previous = sequence - 1, epoch = 1): Message => ({
  peer: sender,
  epoch,
  sequence,
  previous,
  previousIsStored: false,
  sentAt: 0,
  body: Uint8Array.of(sequence),
})

function deliverAll(inbox: Inbox, messages: readonly Message[], now = 0): number[] {
  const delivered: number[] = []
  for (const each of messages) inbox.accept(each, now, ({ sequence }) => delivered.push(sequence))
  return delivered
}

function expired(inbox: Inbox, now: number): number[] {
  const delivered: number[] = []
  inbox.expire(now, ({ sequence }) => delivered.push(sequence))
  return delivered
}

test('any order and any repeats of a window of messages are delivered once, in order', () => {
  const window = fc.integer({ min: 1, max: 16 })
  fc.assert(
    fc.property(window, fc.array(fc.nat(15), { maxLength: 64 }), fc.integer(), (length, repeats, seed) => {
      const all = Array.from({ length }, (_, i) => message(i + 1))
      const arrived = [...all, ...repeats.map((i) => all[i % length]!)]
      const shuffled = arrived
        .map((each, i) => ({ each, lot: Math.imul(i + 1, 2654435761 ^ seed) >>> 0 }))
        .sort((a, b) => a.lot - b.lot)
        .map(({ each }) => each)
      expect(deliverAll(new Inbox(), shuffled)).toEqual(all.map(({ sequence }) => sequence))
    }),
  )
})

test('a message that was delivered is known, also after the memory was kept and put back', () => {
  const inbox = new Inbox()
  deliverAll(inbox, [message(1), message(2)])
  expect(inbox.accept(message(2), 0, () => {})).toBe('known')
  const next = new Inbox(inbox.memory())
  expect(deliverAll(next, [message(1), message(2), message(3)])).toEqual([3])
})

test('a message waits a minute for its predecessor and then goes without it', () => {
  const inbox = new Inbox()
  expect(deliverAll(inbox, [message(1), message(3)], 1000)).toEqual([1])
  expect(inbox.deadline()).toBe(61_000)
  expect(expired(inbox, 60_999)).toEqual([])
  expect(expired(inbox, 61_000)).toEqual([3])
  expect(inbox.deadline()).toBe(Number.POSITIVE_INFINITY)
})

test('it waits ten seconds where an earlier run may have had the predecessor', () => {
  const inbox = new Inbox()
  expect(deliverAll(inbox, [message(3)], 1000)).toEqual([])
  expect(expired(inbox, 10_999)).toEqual([])
  expect(expired(inbox, 11_000)).toEqual([3])
})

test('a late predecessor is still delivered, once', () => {
  const inbox = new Inbox()
  deliverAll(inbox, [message(2)], 0)
  inbox.expire(60_000, () => {})
  expect(deliverAll(inbox, [message(1), message(1)])).toEqual([1])
})

test('a repeat that names another predecessor is set free by it', () => {
  const inbox = new Inbox()
  expect(deliverAll(inbox, [message(1), message(3, 2)])).toEqual([1])
  expect(deliverAll(inbox, [message(3, 1)])).toEqual([3])
})

test('a new run of the sender begins again at one', () => {
  const inbox = new Inbox()
  expect(deliverAll(inbox, [message(1), message(1, 0, 2), message(2, 1, 2)])).toEqual([1, 1, 2])
})

test('one message of each of many runs, handed over again, is delivered once', () => {
  const inbox = new Inbox()
  const page = Array.from({ length: 16 }, (_, i) => message(1, 0, i + 1))
  expect(deliverAll(inbox, page)).toHaveLength(16)
  expect(deliverAll(inbox, page)).toEqual([])
})

test('a run that began earlier than all that are remembered, by a clock that was set back, is remembered too', () => {
  const inbox = new Inbox()
  deliverAll(
    inbox,
    Array.from({ length: 40 }, (_, i) => message(1, 0, 1000 + i)),
  )
  expect(deliverAll(inbox, [message(1, 0, 1), message(1, 0, 1)])).toEqual([1])
})

test('a sender cannot make it hold more than 32 messages', () => {
  const inbox = new Inbox()
  const arrivals = Array.from({ length: 40 }, (_, i) => inbox.accept(message(i + 2, i + 1), 0, () => {}))
  expect(arrivals.filter((arrival) => arrival === 'held')).toHaveLength(32)
  expect(arrivals.filter((arrival) => arrival === 'dropped')).toHaveLength(8)
})

test('a message that its sender gave up counts as delivered once a later one is: it does not arrive out of order', () => {
  const inbox = new Inbox()
  expect(deliverAll(inbox, [message(1), message(3, 1), message(2, 1)])).toEqual([1, 3])
  expect(inbox.accept(message(2, 1), 0, () => {})).toBe('known')
  expect(deliverAll(inbox, [message(5, 0), message(4, 0), message(6)])).toEqual([5, 6])
})

test('neither does one that was held for a message before it', () => {
  const inbox = new Inbox()
  expect(deliverAll(inbox, [message(1), message(3), message(4, 1), message(2)])).toEqual([1, 4])
  expect(inbox.deadline()).toBe(Number.POSITIVE_INFINITY)
})

test('what a message did not wait for any longer still arrives, whatever later ones name', () => {
  const inbox = new Inbox()
  deliverAll(inbox, [message(1), message(4)], 0)
  expect(expired(inbox, 60_000)).toEqual([4])
  expect(deliverAll(inbox, [message(5, 0), message(2), message(3)])).toEqual([5, 2, 3])
})

test('so does what an earlier run may not have waited for', () => {
  const inbox = new Inbox([{ sender, epoch: 1, delivered: [1, 4] }])
  expect(deliverAll(inbox, [message(5, 0), message(2), message(3)])).toEqual([5, 2, 3])
})
