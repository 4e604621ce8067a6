import { expect, test } from 'vitest'
import { Waiting } from '../../../shared/core/tunnel/waiting.ts'
import { B, OtherSide } from './other-side.ts'

test('the last 64 datagrams wait for a path, as they were when they were given', () => {
  const [other, counters] = [new OtherSide(), { dropped: 0 }]
  const waiting = new Waiting(counters)
  const datagram = Uint8Array.of(1)
  for (let i = 0; i < 70; i++) waiting.keep(datagram)
  datagram[0] = 2
  waiting.sendOn(other.paths.sender, other.out, 0)
  expect([waiting.size, counters.dropped, other.sent().length]).toEqual([64, 6, 0])
  other.reach(B)
  other.sent()
  waiting.sendOn(other.paths.sender, other.out, other.now)
  expect([waiting.size, other.sent().length]).toEqual([0, 64])
})
