import { expect, test } from 'vitest'
import { Outbox } from '../../../shared/core/peer/outbox.ts'
import { peerIdOf } from '../../../shared/ids.ts'
import type { Message, ReceiptOutcome } from '../../../shared/wire/messages.ts'

const bob = peerIdOf(new Uint8Array(32).fill(2))
const carol = peerIdOf(new Uint8Array(32).fill(3))
const EPOCH = 5

function sent(outbox: Outbox, now = 0, room = 100): [number, number][] {
  const out: [number, number][] = []
  outbox.send(
    now,
    ({ sequence, previous }: Message) => out.length < room && out.push([sequence, previous]) > 0,
  )
  return out
}

const settle = (outbox: Outbox, sequence: number, outcome: ReceiptOutcome = 'delivered', epoch = EPOCH) =>
  outbox.settle({ peer: bob, epoch, sequence, outcome })

function withMessages(count: number): Outbox {
  const outbox = new Outbox(EPOCH, ({ body }) => ({ key: 1, body }))
  for (let id = 0; id < count; id++) outbox.add(id, bob, new Uint8Array(0), 0)
  return outbox
}

test('messages to one recipient are numbered from one and each names the one before', () => {
  expect(sent(withMessages(3))).toEqual([
    [1, 0],
    [2, 1],
    [3, 2],
  ])
})

test('sixteen are in flight, and a receipt lets the next one go', () => {
  const outbox = withMessages(20)
  expect(sent(outbox)).toHaveLength(16)
  expect(sent(outbox)).toEqual([])
  expect(settle(outbox, 1)).toBe(0)
  expect(sent(outbox)).toEqual([[17, 16]])
})

test('what is behind a refused message is sent again and names the one before that', () => {
  const outbox = withMessages(3)
  sent(outbox)
  expect(settle(outbox, 2, 'mailboxFull')).toBe(1)
  expect(sent(outbox)).toEqual([[3, 1]])
})

test('a stored message is named as stored, until it is known to be delivered', () => {
  const outbox = withMessages(1)
  const named = (): unknown[] => {
    const out: unknown[] = []
    outbox.send(0, ({ previous, previousIsStored }) => out.push([previous, previousIsStored]) > 0)
    return out
  }
  named()
  settle(outbox, 1, 'stored')
  outbox.add(1, bob, new Uint8Array(0), 0)
  outbox.add(2, bob, new Uint8Array(0), 0)
  expect(named()).toEqual([
    [1, true],
    [2, false],
  ])
  settle(outbox, 3, 'stored')
  expect(settle(outbox, 3)).toBeUndefined()
  outbox.add(3, bob, new Uint8Array(0), 0)
  expect(named()).toEqual([[0, false]])
})

test('a message that is sent again names the one before it although later ones have a receipt', () => {
  const outbox = withMessages(3)
  sent(outbox)
  settle(outbox, 1, 'stored')
  settle(outbox, 3)
  outbox.restart()
  expect(sent(outbox)).toEqual([[2, 1]])
})

test('what was delivered is not waited for: its recipient may have restarted and forgotten it', () => {
  const outbox = withMessages(2)
  sent(outbox)
  settle(outbox, 1)
  outbox.restart()
  expect(sent(outbox)).toEqual([[2, 0]])
  settle(outbox, 2)
  outbox.add(2, bob, new Uint8Array(0), 0)
  expect(sent(outbox)).toEqual([[3, 0]])
})

test('what comes after a refused message names the last that was not refused', () => {
  const outbox = withMessages(2)
  sent(outbox)
  settle(outbox, 2, 'mailboxFull')
  outbox.add(2, bob, new Uint8Array(0), 0)
  expect(sent(outbox)).toEqual([[3, 1]])
})

test('a stored message counts as the one before', () => {
  const outbox = withMessages(2)
  sent(outbox)
  settle(outbox, 1, 'stored')
  outbox.restart()
  expect(sent(outbox)).toEqual([[2, 1]])
})

test('a new session carries again what has no receipt, and so do four seconds', () => {
  const outbox = withMessages(2)
  sent(outbox, 0)
  settle(outbox, 1, 'stored')
  outbox.restart()
  expect(sent(outbox, 1)).toEqual([[2, 1]])
  expect(outbox.deadline()).toBe(4001)
  expect(sent(outbox, 4001)).toEqual([[2, 1]])
})

test('a receipt counts once, and only for this run', () => {
  const outbox = withMessages(1)
  sent(outbox)
  expect(settle(outbox, 1, 'delivered', EPOCH - 1)).toBeUndefined()
  expect(settle(outbox, 1)).toBe(0)
  expect(settle(outbox, 1)).toBeUndefined()
  expect(outbox.deadline()).toBe(Number.POSITIVE_INFINITY)
})

test('a session without room is offered the rest later', () => {
  const outbox = withMessages(3)
  expect(sent(outbox, 0, 2)).toHaveLength(2)
  expect(sent(outbox, 0)).toEqual([[3, 2]])
})

test('recipients are numbered apart', () => {
  const outbox = withMessages(1)
  outbox.add(9, carol, new Uint8Array(0), 0)
  expect(sent(outbox)).toEqual([
    [1, 0],
    [1, 0],
  ])
})

test('the times of messages do not run backwards when the clock of the next node is behind, unless it was far wrong', () => {
  const outbox = new Outbox(EPOCH, ({ body }) => ({ key: 1, body }))
  for (const [id, at] of [100_000, 95_000, 101_000, 1_000].entries())
    outbox.add(id, bob, new Uint8Array(0), at)
  const times: number[] = []
  outbox.send(0, ({ sentAt }) => times.push(sentAt) > 0)
  expect(times).toEqual([100_000, 100_000, 101_000, 1_000])
})

test('a message without a receipt is sent again after 4 and 8 s, then every 8 s, until it is given up', () => {
  const outbox = withMessages(1)
  const times: number[] = []
  for (let now = 0; now < 60_000; now += 500) {
    outbox.expire(now)
    if (sent(outbox, now).length > 0) times.push(now)
  }
  expect(times).toEqual([0, 4000, 8000, 16_000, 24_000])
})
